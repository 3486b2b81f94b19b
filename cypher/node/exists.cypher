// node.exists: is there such a node
// $project_id: text
// $node_id: text
// $applied: integer; the last position whose nodes are wanted; newer ones are left out
// row: found, boolean
// nothing: cannot be; one row always
// mode: read
// repeatable: yes

RETURN EXISTS {
  MATCH (n:Node {project_id: $project_id, id: $node_id})
  WHERE n.seq <= $applied
} AS found
