"""`verify` of a memory adapter: see `sapwood.AsyncStorageAdapter`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ..model import Difference, Verification
from ..replica import Replica

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .project_rows import ProjectRows


def verification(project: ProjectRows) -> Verification:
    """Compare a project's graph with the journal, applied once more."""
    wanted = Replica()
    for row in project.journal:
        wanted.apply(row.entry(project.incarnation))
    found = [
        Difference(node_id=node_id, problem=problem)
        for node_id in sorted(wanted.nodes.keys() | project.graph.nodes.keys())
        for problem in _problems(node_id, wanted, project.graph)
    ]
    return Verification(
        project_id=project.id,
        seq=project.head,
        journal_nodes=len(wanted.nodes),
        graph_nodes=len(project.graph.nodes),
        journal_digest=_digest(wanted),
        graph_digest=_digest(project.graph),
        found=len(found),
        differences=tuple(found[:100]),
    )


def _problems(node_id: str, wanted: Replica, graph: Replica) -> Iterator[str]:
    if node_id not in graph.nodes:
        yield "is not in the graph"
    elif node_id not in wanted.nodes:
        yield "is in the graph, and not in the journal"
    else:
        for name, value in wanted.nodes[node_id].items():
            if graph.nodes[node_id][name] != value:
                yield f"has another {name}"


def _digest(replica: Replica) -> str:
    text = repr(sorted(replica.nodes.items()))
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()
