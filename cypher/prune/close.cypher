// prune.close: close nodes that are alive; others stay as they are
// $project_id: text
// $ids: list of ids, at most 5,000
// $reason: text; null for none
// row: written, integer: how many were alive
// nothing: written is 0
// mode: write
// repeatable: yes
// plan: Eager, labels and properties are written that the look-up reads by name; at most 5,000 rows

UNWIND $ids AS id
MATCH (n:Node {project_id: $project_id, id: id})
WHERE n.status = 'alive'
REMOVE n:Alive
SET n:Pruned, n.status = 'pruned', n.status_reason = $reason
RETURN count(n) AS written
