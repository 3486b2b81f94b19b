// node.set: change properties of nodes, but not their status
// $project_id: text
// $rows: list of [id, map of the properties that change, null removes one]
// row: written, integer: nodes found; fewer than rows if one is missing: roll back
// nothing: written is 0
// mode: write
// repeatable: yes
// plan: Eager, the planner cannot know that the map never names id or project_id; at most 5,000 rows

UNWIND $rows AS row
MATCH (n:Node {project_id: $project_id, id: row[0]})
SET n += row[1]
RETURN count(n) AS written
