"""What can be wrong with a server that runs, if it does not pass by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class LastingProblem(str):
    """What is wrong with a server and does not pass by itself, with what to do."""

    __slots__ = ()


def lost_password(path: Path) -> LastingProblem:
    """The password file of a server that runs is gone."""
    return LastingProblem(
        f"the password file {path} is missing. Run `sapwood down`, put the file back from a backup "
        "and run `sapwood up`"
    )


def refused_password(path: Path) -> LastingProblem:
    """A server does not take the password in its file."""
    return LastingProblem(
        f"it refuses the password in {path}. Run `sapwood down`, put the right password back and "
        "run `sapwood up`"
    )


class HaltedProblem(LastingProblem):
    """A database has stopped itself while its server runs; a restart mends it."""

    __slots__ = ()


def halted(log: Path) -> HaltedProblem:
    """Neo4j's database has stopped itself, as it does when its disk is full."""
    return HaltedProblem(
        f"its database has stopped itself, as it does when its disk is full (its log is {log}). "
        "Make room if so, then run `sapwood up`, which restarts it"
    )


def lost_port(path: Path) -> LastingProblem:
    """Nothing says on which port a server runs."""
    return LastingProblem(
        f"{path} does not say its port. Run `sapwood down`, then `sapwood up`, which picks another"
    )
