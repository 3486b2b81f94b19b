// browser.lineage: a node, its children, and the way to its root, to look at
// $project_id: text; in Neo4j Browser first `:param project_id => 'my-project'`
// $node_id: text
// row: above, edge, below
// nothing: no row: the node is missing, or stands alone
// mode: read
// repeatable: yes

MATCH (node:Node {project_id: $project_id, id: $node_id})
CALL (node) {
  MATCH (node) (()<-[:PARENT_OF]-())* (below:Node)<-[edge:PARENT_OF]-(above:Node)
  WHERE below.project_id = $project_id AND above.project_id = $project_id
  RETURN above, edge, below
  UNION
  MATCH (node)-[edge:PARENT_OF]->(below:Node)
  WHERE below.project_id = $project_id
  RETURN node AS above, edge, below
}
RETURN above, edge, below
