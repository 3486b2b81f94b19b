// prune.alive_ids: the alive nodes of a subtree, its top included
// $project_id: text
// $node_id: text
// row: ids, list of up to 5,000 ids; in no order
// nothing: no row: nothing is alive there, or there is no such node
// mode: read
// repeatable: yes

MATCH (top:Node {project_id: $project_id, id: $node_id})
MATCH (top) (()-[:PARENT_OF]->())* (n:Node)
WHERE n.project_id = $project_id AND n.status = 'alive'
WITH DISTINCT n
WITH collect(n.id) AS found
UNWIND range(0, size(found) - 1, 5000) AS start
RETURN found[start..start + 5000] AS ids
