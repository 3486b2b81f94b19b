// node.set_status: change the status of nodes, the node label that shows it, and what else changed
// $project_id: text
// $rows: list of [id, map of the properties that change, null removes one; status as a node label]
// row: written, integer: nodes found; fewer than rows if one is missing: roll back
// nothing: written is 0
// mode: write
// repeatable: yes
// plan: Eager, labels and properties are written that the look-up reads by name; at most 5,000 rows

UNWIND $rows AS row
MATCH (n:Node {project_id: $project_id, id: row[0]})
REMOVE n:Alive:Pruned:Complete:Failed
SET n:$(row[2])
SET n += row[1]
RETURN count(n) AS written
