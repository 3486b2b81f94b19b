// node.create_roots: create nodes without a parent
// $project_id: text
// $rows: list of lists: id, parent_id, content, attributes (JSON text), status, status_reason, score,
//   rubric_score, iteration, depth, seconds since 1970 UTC, nanoseconds within the second, seq,
//   status as a node label
// row: written, integer: nodes created
// nothing: written is 0
// mode: write
// repeatable: no; a second time breaks the uniqueness constraint

UNWIND $rows AS row
CREATE (n:Node:$(row[13]) {
  project_id: $project_id, id: row[0], parent_id: row[1], content: row[2], attributes: row[3],
  status: row[4], status_reason: row[5], score: row[6], rubric_score: row[7], iteration: row[8],
  depth: row[9], created_at: datetime({epochSeconds: row[10], nanosecond: row[11]}), seq: row[12]
})
RETURN count(n) AS written
