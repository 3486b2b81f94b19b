"""A fault at each message between the program and the two servers: nothing is lost or doubled.

Hazards: A3, A4, B2, B8, B10, C2, C3, D1; I1 to I6. The n-th message of a direction is where the
fault is, as SQLite's tests let the n-th operation fail; a cancellation comes at the caller's n-th
await. `make torture` goes through all of them; here a few are drawn, always the same.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

import pytest

from sapwood import new_id

from . import cancelling
from .interceptor import KINDS, Direction, Fault, Kind
from .scenario import expected
from .sweep import SERVERS, Run, Server, run

if TYPE_CHECKING:
    from sapwood import Database, Graph
    from sapwood.servers import Endpoints

DIRECTIONS: tuple[Direction, ...] = ("request", "reply")
SHARE: dict[Kind, int] = {"cut": 6, "lost reply": 4, "hang": 1}
"""How many of each kind are drawn for a server and direction; a hang takes seconds each."""

AWAITS: Final[dict[cancelling.Form, int]] = {"same adapter": 70, "new adapter": 110}
"""Awaits of a search, at least; those of a `new adapter` are of its opening and closing too."""


@pytest.fixture(scope="module")
async def undisturbed(servers: Endpoints, database: Database, graph: Graph) -> Run:
    return await run(servers, (database, graph), new_id(), {})


@pytest.fixture(scope="module")
async def oracle() -> dict[str, Any]:
    return await expected()


async def test_undisturbed_the_scenario_comes_to_what_the_memory_says(
    undisturbed: Run, oracle: dict[str, Any]
) -> None:
    assert undisturbed.held == oracle
    assert not undisturbed.happened
    assert all(count > 20 for count in undisturbed.seen.values())


@pytest.mark.once
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("server", SERVERS)
async def test_a_fault_at_some_message_loses_and_doubles_nothing(
    server: Server,
    direction: Direction,
    kind: Kind,
    servers: Endpoints,
    database: Database,
    graph: Graph,
    undisturbed: Run,
    oracle: dict[str, Any],
) -> None:
    places = range(1, undisturbed.seen[server, direction] + 1)
    for at in random.Random(f"{server} {direction} {kind}").sample(places, SHARE[kind]):
        fault = Fault(direction, at, kind)
        found = await run(servers, (database, graph), new_id(), {server: fault})
        assert found.held == oracle, f"{server}: {fault}"


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("form", cancelling.FORMS)
async def test_a_cancellation_at_some_await_loses_doubles_and_leaks_nothing(
    form: cancelling.Form, servers: Endpoints, oracle: dict[str, Any]
) -> None:
    for at in random.Random(form).sample(range(1, AWAITS[form] + 1), 12):
        found = await cancelling.run(servers, new_id(), at, form)
        assert found.happened, f"await {at}"
        assert (found.held, found.left) == (oracle, 0), f"await {at}"
