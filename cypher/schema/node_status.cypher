// schema.node_status: finds the frontier of a project
// row: none
// nothing: it exists already
// mode: schema
// repeatable: yes

CREATE INDEX sapwood_node_status IF NOT EXISTS
FOR (n:Node) ON (n.project_id, n.status)
