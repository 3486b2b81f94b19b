// project.has_nodes: does the project have any node at all
// $project_id: text
// row: found, boolean
// nothing: cannot be; one row always
// mode: read
// repeatable: yes

RETURN EXISTS {
  MATCH (n:Node)
  USING INDEX n:Node(project_id, id)
  WHERE n.project_id = $project_id AND n.id IS NOT NULL
} AS found
