// node.leaves: nodes without children, of a whole project
// $project_id: text
// $limit: integer, nodes
// $applied: integer; the last position whose nodes are wanted; newer ones are left out
// $fields: list of column names; the other columns come back null
// $large: boolean; content or attributes are among them: a row has fewer nodes if they are large
// $whole: boolean; read all properties of a node at once (faster if nearly all are wanted)
// row: up to 1,000 nodes (see $large) as one list a column, created_at in microseconds since 1970 UTC;
//   by depth, then by id
// nothing: no row
// mode: read
// repeatable: yes

MATCH (n:Node)
USING INDEX n:Node(project_id, id)
WHERE n.project_id = $project_id AND n.id IS NOT NULL AND n.seq <= $applied
  AND NOT EXISTS {
    MATCH (n)-[:PARENT_OF]->(below:Node)
    WHERE below.project_id = $project_id AND below.seq <= $applied
  }
WITH n ORDER BY n.depth, n.id LIMIT $limit
WITH collect(n) AS found
MATCH (w:Watermark {project_id: $project_id})
WITH found, CASE WHEN $large THEN coalesce(w.chunk, 1000) ELSE 1000 END AS most
UNWIND range(0, size(found) - 1, most) AS start
WITH [n IN found[start..start + most] | CASE WHEN $whole THEN properties(n) ELSE n END] AS chunk
RETURN
  CASE WHEN 'id' IN $fields THEN [n IN chunk | n.id] END AS id,
  CASE WHEN 'parent_id' IN $fields THEN [n IN chunk | n.parent_id] END AS parent_id,
  CASE WHEN 'content' IN $fields THEN [n IN chunk | n.content] END AS content,
  CASE WHEN 'attributes' IN $fields THEN [n IN chunk | n.attributes] END AS attributes,
  CASE WHEN 'status' IN $fields THEN [n IN chunk | n.status] END AS status,
  CASE WHEN 'status_reason' IN $fields THEN [n IN chunk | n.status_reason] END AS status_reason,
  CASE WHEN 'score' IN $fields THEN [n IN chunk | n.score] END AS score,
  CASE WHEN 'rubric_score' IN $fields THEN [n IN chunk | n.rubric_score] END AS rubric_score,
  CASE WHEN 'iteration' IN $fields THEN [n IN chunk | n.iteration] END AS iteration,
  CASE WHEN 'depth' IN $fields THEN [n IN chunk | n.depth] END AS depth,
  CASE WHEN 'created_at' IN $fields THEN [n IN chunk |
    n.created_at.epochMillis * 1000 + n.created_at.microsecond % 1000] END AS created_at,
  CASE WHEN 'seq' IN $fields THEN [n IN chunk | n.seq] END AS seq
