// project.clear: delete some of a project's nodes, with their edges
// $project_id: text
// $most: integer, nodes
// row: deleted, integer: how many nodes; 0 when none is left
// nothing: deleted is 0
// mode: write
// repeatable: yes
// note: from the last id down, since ids grow with time as a rule: children go before their
//   parents, and no transaction has to delete the many edges of one node.

MATCH (n:Node)
USING INDEX n:Node(project_id, id)
WHERE n.project_id = $project_id AND n.id IS NOT NULL
WITH n ORDER BY n.project_id DESC, n.id DESC LIMIT $most
DETACH DELETE n
RETURN count(n) AS deleted
