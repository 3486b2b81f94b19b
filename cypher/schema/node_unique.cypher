// schema.node_unique: one node an id in a project; its index finds nodes and lists a project
// row: none
// nothing: it exists already
// mode: schema
// repeatable: yes

CREATE CONSTRAINT sapwood_node IF NOT EXISTS
FOR (n:Node) REQUIRE (n.project_id, n.id) IS UNIQUE
