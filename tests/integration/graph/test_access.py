"""A transaction that is marked as a read can only read: the server holds us to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sapwood.errors import StoreError
from sapwood.graph.translate import translated

from .test_statements import STATEMENTS, by_key, samples

if TYPE_CHECKING:
    from sapwood import Graph
    from sapwood.graph.queries import Statement

WRITES_IN_A_READ = "Neo.ClientError.Statement.AccessMode"


@pytest.mark.parametrize("statement", STATEMENTS, ids=by_key)
async def test_the_server_takes_a_statement_for_what_its_header_says(
    statement: Statement, graph: Graph
) -> None:
    refused = None
    async with graph.reading() as transaction:
        try:
            with translated():
                await (await transaction._inner.run(statement.text, samples(statement))).consume()
        except StoreError as exc:
            refused = exc.code
    assert refused == (None if statement.about["mode"] == "read" else WRITES_IN_A_READ)
