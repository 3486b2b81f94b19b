"""One project's part of a store as it was: what a restore of an older backup brings back.

A backup is of a whole server; here it is one project's, since the others' tests go on. The rows
are put back as they were, beside whoever is connected, and nobody is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, LiteralString

from sqlalchemy import text

from ..held import KEYS

if TYPE_CHECKING:
    from neo4j import AsyncDriver

    from sapwood import Database

_READ_NODES: Final = (
    "MATCH (n {project_id: $id}) RETURN collect([labels(n), properties(n)]) AS found"
)
_READ_EDGES: Final = (
    "MATCH (a {project_id: $id})-[r:PARENT_OF]->(b)"
    " RETURN collect([a.id, b.id, properties(r)]) AS found"
)
_WIPE: Final = "MATCH (n {project_id: $id}) DETACH DELETE n"
_MAKE_NODES: Final = "UNWIND $rows AS row CREATE (n:$(row[0])) SET n = row[1]"
_MAKE_EDGES: Final = (
    "UNWIND $rows AS row"
    " MATCH (a:Node {project_id: $id, id: row[0]}), (b:Node {project_id: $id, id: row[1]})"
    " CREATE (a)-[r:PARENT_OF]->(b) SET r = row[2]"
)


@dataclass(frozen=True)
class GraphBackup:
    """A project's part of Neo4j, its watermark too."""

    project_id: str
    nodes: list[Any]
    edges: list[Any]

    @classmethod
    async def take(cls, driver: AsyncDriver, project_id: str) -> GraphBackup:
        """Read it, as of one instant."""
        async with driver.session() as session, await session.begin_transaction() as transaction:
            # Who applies holds this lock until its entries are whole.
            lock = "MATCH (w:Watermark {project_id: $id}) SET w:Watermark"
            await (await transaction.run(lock, id=project_id)).consume()
            found = []
            for statement in (_READ_NODES, _READ_EDGES):
                record = await (await transaction.run(statement, id=project_id)).single(strict=True)
                found.append(record["found"])
        return cls(project_id, *found)

    async def restore(self, driver: AsyncDriver) -> None:
        """Put it back, in one transaction."""
        async with driver.session() as session, await session.begin_transaction() as transaction:
            steps: tuple[tuple[LiteralString, list[Any]], ...] = (
                (_WIPE, []),
                (_MAKE_NODES, self.nodes),
                (_MAKE_EDGES, self.edges),
            )
            for statement, rows in steps:
                await (await transaction.run(statement, id=self.project_id, rows=rows)).consume()
            await transaction.commit()


@dataclass(frozen=True)
class PostgresBackup:
    """A project's rows in PostgreSQL, as JSON, by table."""

    project_id: str
    rows: dict[str, str]

    @classmethod
    async def take(cls, db: Database, project_id: str) -> PostgresBackup:
        """Read them, as of one instant."""
        rows: dict[str, str] = {}
        async with db.transaction() as connection:
            await connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            for table, column in KEYS.items():
                statement = text(
                    f"SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]')::text FROM sapwood.{table} t"  # noqa: S608
                    f" WHERE {column} = :id"
                )
                rows[table] = await connection.scalar(statement, {"id": project_id})
        return cls(project_id, rows)

    async def restore(self, db: Database) -> None:
        """Put them back, in one transaction, past all triggers."""
        async with db.transaction() as connection:
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
            for table, rows in self.rows.items():
                column = KEYS[table]
                gone = text(f"DELETE FROM sapwood.{table} WHERE {column} = :id")  # noqa: S608
                back = text(
                    f"INSERT INTO sapwood.{table} SELECT *"  # noqa: S608
                    f" FROM jsonb_populate_recordset(NULL::sapwood.{table}, CAST(:rows AS jsonb))"
                )
                await connection.execute(gone, {"id": self.project_id})
                await connection.execute(back, {"rows": rows})
