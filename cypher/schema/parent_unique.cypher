// schema.parent_unique: one parent a node, whoever writes
// row: none
// nothing: it exists already
// mode: schema
// repeatable: yes

CREATE CONSTRAINT sapwood_parent_of IF NOT EXISTS
FOR ()-[edge:PARENT_OF]-() REQUIRE (edge.project_id, edge.child_id) IS UNIQUE
