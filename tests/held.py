"""What both stores hold of a project, table by table; the schema itself says which there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sapwood.relational.tables import ProjectRow

if TYPE_CHECKING:
    from .conftest import RunCypher, RunSql

KEYS: Final = {
    table.name: "id" if table.name == ProjectRow.__tablename__ else "project_id"
    for table in ProjectRow.metadata.sorted_tables
}
"""By table, the column that names the project."""
_GRAPH: Final = (
    "MATCH (n {project_id: $id}) OPTIONAL MATCH (p)-[r]->(n)"
    " RETURN elementId(n) AS node, labels(n) AS labels, properties(n) AS properties,"
    " elementId(r) AS edge, properties(r) AS edge_properties, p.id AS parent"
    " ORDER BY labels(n)[0], n.id"
)
_NEO4JS_OWN: Final = {"node", "edge"}


class Held:
    """Everything that both stores hold of a project, to be compared."""

    def __init__(self, sql: RunSql, cypher: RunCypher, project_id: str) -> None:
        self._sql, self._cypher, self._project_id = sql, cypher, project_id

    async def now(self) -> dict[str, list[str]]:
        """Return the rows of each table, and the nodes and edges with Neo4j's own ids, sorted."""
        held = {table: await self._rows(table, key) for table, key in KEYS.items()}
        graph = await self._graph()
        return held | {"graph": sorted(repr(sorted(row.items())) for row in graph)}

    async def graph(self) -> list[dict[str, Any]]:
        """Return the nodes, with their edges, by id: the same once they are made again."""
        return [
            {name: value for name, value in row.items() if name not in _NEO4JS_OWN}
            for row in await self._graph()
        ]

    async def _graph(self) -> list[dict[str, Any]]:
        return await self._cypher(_GRAPH, id=self._project_id)

    async def _rows(self, table: str, column: str) -> list[str]:
        query = f"SELECT t::text FROM sapwood.{table} t WHERE {column} = $1"  # noqa: S608
        return sorted(row[0] for row in await self._sql(query, self._project_id))
