// browser.frontier: the best alive nodes of a project, each with the way to its root, to look at
// $project_id: text; in Neo4j Browser first `:param project_id => 'my-project'`
// row: above, edge, below: a parent edge of one of the ways, each once
// nothing: no row
// mode: read
// repeatable: yes

MATCH (node:Node)
USING INDEX node:Node(project_id, status)
WHERE node.project_id = $project_id AND node.status = 'alive'
WITH node ORDER BY coalesce(node.rubric_score, node.score, 0.0) DESC, node.id LIMIT 20
MATCH (node) (()<-[:PARENT_OF]-())* (below:Node)<-[edge:PARENT_OF]-(above:Node)
WHERE below.project_id = $project_id AND above.project_id = $project_id
RETURN DISTINCT above, edge, below
