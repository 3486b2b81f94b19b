// schema.node_rubric_score: finds the best nodes of a project by `rubric_score`
// row: none
// nothing: it exists already
// mode: schema
// repeatable: yes

CREATE INDEX sapwood_node_rubric_score IF NOT EXISTS
FOR (n:Node) ON (n.project_id, n.rubric_score)
