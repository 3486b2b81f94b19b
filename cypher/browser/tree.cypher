// browser.tree: the upper part of a project's tree, to look at
// $project_id: text; in Neo4j Browser first `:param project_id => 'my-project'`
// row: node; parent and edge, null for a root; at most 1,000 nodes, upper ones first
// nothing: no row
// mode: read
// repeatable: yes

MATCH (node:Node)
USING INDEX node:Node(project_id, id)
WHERE node.project_id = $project_id AND node.id IS NOT NULL
WITH node ORDER BY node.depth, node.id LIMIT 1000
OPTIONAL MATCH (parent:Node)-[edge:PARENT_OF]->(node)
WHERE parent.project_id = $project_id
RETURN node, edge, parent
