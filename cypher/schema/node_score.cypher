// schema.node_score: finds the best nodes of a project by `score`
// row: none
// nothing: it exists already
// mode: schema
// repeatable: yes

CREATE INDEX sapwood_node_score IF NOT EXISTS
FOR (n:Node) ON (n.project_id, n.score)
