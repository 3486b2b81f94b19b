// node.create_children: create nodes and the edges from their parents
// $project_id: text
// $rows: list of lists: id, parent_id, content, attributes (JSON text), status, status_reason, score,
//   rubric_score, iteration, depth, seconds since 1970 UTC, nanoseconds within the second, seq,
//   status as a node label
// row: written, integer: edges created; fewer than rows if a parent is missing: roll back
// nothing: written is 0
// mode: write
// repeatable: no; a second time breaks the uniqueness constraint
// plan: EagerAggregation, Eager, all nodes are created before parents are looked up, each parent
//   once, so a parent may be in the same rows; one transaction holds at most 5,000

UNWIND $rows AS row
CREATE (n:Node:$(row[13]) {
  project_id: $project_id, id: row[0], parent_id: row[1], content: row[2], attributes: row[3],
  status: row[4], status_reason: row[5], score: row[6], rubric_score: row[7], iteration: row[8],
  depth: row[9], created_at: datetime({epochSeconds: row[10], nanosecond: row[11]}), seq: row[12]
})
WITH row[1] AS parent_id, collect([n, row[0]]) AS made
MATCH (parent:Node {project_id: $project_id, id: parent_id})
UNWIND made AS child
WITH parent, child[0] AS n, child[1] AS child_id
CREATE (parent)-[edge:PARENT_OF {project_id: $project_id, child_id: child_id}]->(n)
RETURN count(edge) AS written
