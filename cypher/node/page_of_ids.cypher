// node.page_of_ids: the first nodes of these ids, as many as fit into a page
// $project_id: text
// $ids: list of node ids
// $status: text; keep only nodes of this status; null for all
// $characters: integer; no more nodes once content and attributes have so many, if $large
// $applied: integer; the last position whose nodes are wanted; newer ones are left out
// $fields: list of column names; the other columns come back null
// $large: boolean; content or attributes are among them: a row has fewer nodes if they are large
// $whole: boolean; read all properties of a node at once (faster if nearly all are wanted)
// row: up to 1,000 nodes (see $large) as one list a column, created_at in microseconds since 1970 UTC; in the order of $ids
// nothing: no row; a missing id has no place in the columns
// mode: read
// repeatable: yes

UNWIND $ids AS wanted
MATCH (n:Node {project_id: $project_id, id: wanted})
WHERE n.seq <= $applied AND ($status IS NULL OR n.status = $status)
WITH collect(n) AS next
WITH next, CASE WHEN NOT $large THEN size(next) ELSE reduce(page = [0, 0], n IN next |
  CASE
    WHEN page[1] >= $characters THEN page
    ELSE [page[0] + 1, page[1] + size(n.content) + size(n.attributes)]
  END
)[0] END AS fitting
UNWIND next[..fitting] AS n
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
