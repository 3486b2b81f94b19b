// project.count_by_status: how many nodes have each status
// $project_id: text
// $applied: integer; the last position whose nodes are wanted; newer ones are left out
// row: status, text; nodes, integer
// nothing: no row
// mode: read
// repeatable: yes

MATCH (n:Node)
USING INDEX n:Node(project_id, id)
WHERE n.project_id = $project_id AND n.id IS NOT NULL AND n.seq <= $applied
RETURN n.status AS status, count(n) AS nodes
