// verify.page: nodes as they stand, whoever wrote them, with their node labels and parent edges
// $project_id: text
// $after: text; the id before the first one wanted, empty for the beginning
// $limit: integer, nodes
// $characters: integer; no more nodes once content and attributes have so many
// row: found, list of [map of all properties, list of node labels, list of parent edges, each
//   [id of the parent, project_id and child_id of the edge]]; by id; created_at in microseconds since
//   1970 UTC, as text if it is no date and time; more, boolean: whether there may be more nodes
// nothing: found is empty
// mode: read
// repeatable: yes
// note: nodes above the watermark are not left out: nobody but a foreign tool makes such

MATCH (n:Node)
USING INDEX n:Node(project_id, id)
WHERE n.project_id = $project_id AND n.id > $after
WITH n ORDER BY n.project_id, n.id LIMIT $limit
WITH collect(n) AS next
WITH next, reduce(page = [0, 0], n IN next |
  CASE
    WHEN page[1] >= $characters THEN page
    ELSE [
      page[0] + 1,
      page[1] + coalesce(size(toStringOrNull(n.content)), 0)
        + coalesce(size(toStringOrNull(n.attributes)), 0)
    ]
  END
)[0] AS fitting
RETURN
  [n IN next[..fitting] | [
    n {
      .*,
      created_at: CASE
        WHEN n.created_at IS :: ZONED DATETIME
          THEN n.created_at.epochMillis * 1000 + n.created_at.microsecond % 1000
        ELSE toStringOrNull(n.created_at)
      END
    },
    labels(n),
    [(parent)-[edge:PARENT_OF]->(n) | [parent.id, edge.project_id, edge.child_id]]
  ]] AS found,
  fitting < size(next) OR size(next) = $limit AS more
