// node.missing: which of these ids have no node
// $project_id: text
// $ids: list of node ids
// row: ids, list of text, at most five
// nothing: an empty list
// mode: read
// repeatable: yes

UNWIND $ids AS wanted
OPTIONAL MATCH (n:Node {project_id: $project_id, id: wanted})
WITH wanted, n
WHERE n IS NULL
RETURN collect(wanted)[..5] AS ids
