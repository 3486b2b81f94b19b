"""`store.labels`: what people say about contents, and how far judges agree with them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .agreement import agreements, require_statistics
from .arguments import Arguments
from .candidates import CANDIDATE_FIELDS, candidates
from .errors import NotFoundError
from .label_files import check_path, read_samples, write_samples

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable, Sequence

    from .model import Rubric
    from .sample_drafts import SampleDraft
    from .samples import Agreement, LabelCandidate, LabeledSample
    from .session import Session


class Labels:
    """The labelled samples of a project; `add_labels_batch` of the store adds to them."""

    def __init__(self, ready: Callable[[], Awaitable[Session]]) -> None:
        self._ready = ready

    async def all(
        self, *, labeler: str | None = None, principle_id: str | None = None
    ) -> list[LabeledSample]:
        """Return the samples, by `created_at` and then id.

        Args:
            labeler: Only this person's.
            principle_id: Only those of this principle.

        Cost: two PostgreSQL statements.
        """
        session = await self._ready()
        by, about = labeler_and_principle(labeler, principle_id)
        find = session.samples.all
        return await session.barrier.ask_project(
            lambda: find(session.project_id, labeler=by, principle_id=about)
        )

    async def stale(self, rubric: int | Rubric | None = None) -> list[LabeledSample]:
        """Return the samples that a rubric version made stale, by `created_at` and then id.

        A label of a principle is stale if the version has that principle no more: it was left
        out, or its text changed. A label of the whole is stale if it was given under a version of
        other principles or weights. A label without a version never is.

        Args:
            rubric: A version, or a rubric as it came from the store; the current one by default.

        Raises:
            NotFoundError: There is no such version, or no current rubric.

        Cost: four PostgreSQL statements.
        """
        version = Arguments("stale").rubric(rubric)
        session = await self._ready()
        return await session.barrier.ask_project(
            lambda: session.samples.stale(session.project_id, version)
        )

    async def agreement(
        self, *, judge: str | None = None, rubric: int | Rubric | None = None
    ) -> list[Agreement]:
        """Return how far judges agree with people, under one version of the rubric.

        A label is held against the judge's score of its own node, or if that has none, of the
        first node by id that has the same content and a score; a label of the whole against the
        weighted mean over the version, of a node that has all its scores. Labels of the whole
        that the version made stale are compared too, since whether it fits them better is what
        one wants to know; `stale` says how many there are. Labels on a scale of one class say
        nothing, and are left out.

        Args:
            judge: One judge; all that scored something that is labelled, by default.
            rubric: A version, or a rubric as it came from the store; the current one by default.

        Returns:
            By judge, one for each principle of the version, in its order, and one for the whole.

        Raises:
            NotFoundError: There is no such version, or no current rubric.
            SettingsError: scipy or scikit-learn are missing (`sapwood[agreement]`).

        Cost: four PostgreSQL statements; grows with the labels and the scores of their nodes.
        """
        check = Arguments("agreement")
        version, named = check.rubric(rubric), None if judge is None else check.judge(judge)
        await asyncio.to_thread(require_statistics)  # importing them takes a second
        session = await self._ready()
        found = await session.barrier.ask_project(
            lambda: session.samples.compared(session.project_id, version, named)
        )
        judges = sorted({pair.judge for pair in found.pairs}) if named is None else [named]
        return agreements(found.rubric, judges, found.pairs, found.stale)

    async def next(self, n: int) -> list[LabelCandidate]:
        """Return at most `n` nodes whose contents have no label and are most worth one.

        For three reasons in turn, as far as there are nodes for each, equals by id; of nodes of
        the same content only one:

        - `judges disagree`: the largest spread between judges' scores of one principle of the
          current rubric.
        - `near the pruning line`: alive and pruned nodes closest to the value that best tells
          the pruned from the alive: in the middle of the gap between two values that leaves
          fewest pruned nodes above and alive ones below.
        - `high score`: the best alive and complete nodes.

        The value of a node is its `rubric_score` if any node of the project has one, else `score`.

        Cost: two PostgreSQL statements and one Neo4j read, without contents; grows with the
            nodes and scores of the project.
        """
        most = Arguments("next").count("n", n)
        session = await self._ready()
        known = await session.barrier.ask(lambda: session.samples.unlabelled(session.project_id))
        nodes = await session.barrier.read(
            lambda guard: session.nodes.load_tree(
                session.project_id, guard, fields=CANDIDATE_FIELDS
            )
        )
        return candidates(most, nodes, known.digests, known.spreads)

    async def export_file(self, path: str | os.PathLike[str]) -> int:
        """Write all samples to a `.jsonl` or `.csv` file, in place of an earlier one.

        Returns:
            How many there are.

        Raises:
            ValidationError: The name has another suffix.
            OSError: It cannot be written; an earlier file is as it was.
        """
        target = check_path(path)
        samples = await self.all()
        await asyncio.to_thread(write_samples, target, samples)
        return len(samples)

    async def import_file(self, path: str | os.PathLike[str]) -> int:
        """Add the samples of a `.jsonl` or `.csv` file, all of them or none.

        The fields are those of `export_file`; `labeler`, `label` and `scale` are needed, and a
        `content` or a `node_id`. `principle` is an id, or a key of the current rubric.

        Returns:
            How many labels are stored; of several for one (content, labeler, principle) the last.

        Raises:
            ValidationError, NotFoundError, ConflictError: As `add_labels_batch`; names the file
                and the line. Nothing was stored.
            OSError: It cannot be read.
        """
        source = check_path(path)
        session = await self._ready()
        session.check_writable()
        current = await session.barrier.ask(lambda: session.rubrics.current(session.project_id))
        drafts = await asyncio.to_thread(read_samples, source, principle_ids(current))
        return await add_samples(session, drafts)


async def add_samples(session: Session, drafts: Sequence[SampleDraft]) -> int:
    """Store checked samples, once what was accepted before is stored; return how many labels."""
    if not drafts:
        return 0
    await session.flusher.drain()
    known = await _with_contents(session, drafts)
    add = session.samples.add
    count = await session.insist(
        "labels", lambda: add(session.project_id, session.incarnation, known)
    )
    session.flusher.count_labels(count)
    return count


async def _with_contents(session: Session, drafts: Sequence[SampleDraft]) -> Sequence[SampleDraft]:
    """Return the drafts with their nodes' contents, which only the graph has to read."""
    wanted = {draft.sample.node_id or "" for draft in drafts if draft.digest is None}
    if not wanted:
        return drafts
    found = await session.barrier.read(
        lambda guard: session.nodes.nodes(
            session.project_id, guard, sorted(wanted), fields=("id", "content")
        )
    )
    contents = dict(zip(found["id"], found["content"], strict=True))
    return fill_contents(drafts, contents)


def fill_contents(drafts: Sequence[SampleDraft], contents: dict[str, str]) -> Sequence[SampleDraft]:
    """Return the drafts with those contents that were left out, by node id.

    Raises:
        NotFoundError: There is no such node.
    """
    filled: list[SampleDraft] = []
    for draft in drafts:
        node_id = draft.sample.node_id or ""
        if draft.digest is None and node_id not in contents:
            raise NotFoundError(f"{draft.name}: this project has no node {node_id}")
        filled.append(draft.with_content(contents[node_id]) if draft.digest is None else draft)
    return filled


def principle_ids(rubric: Rubric | None) -> dict[str, str]:
    """Return the ids of a rubric's principles, by key and by id."""
    principles = () if rubric is None else rubric.principles
    return {each.key: each.id for each in principles} | {each.id: each.id for each in principles}


def labeler_and_principle(labeler: object, principle_id: object) -> tuple[str | None, str | None]:
    """Return the checked filters of `all`."""
    check = Arguments("labels.all")
    return (
        None if labeler is None else check.labeler(labeler),
        None if principle_id is None else check.node_id(principle_id, "principle_id"),
    )
