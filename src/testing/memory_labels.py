"""`store.labels` of a memory adapter: see `sapwood.labels.Labels`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..agreement import agreements, require_statistics
from ..arguments import Arguments
from ..label_files import check_path, read_samples, write_samples
from ..labels import fill_contents, labeler_and_principle, principle_ids
from .label_candidates import label_candidates

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable, Sequence

    from ..model import Rubric
    from ..receipts import Receipts
    from ..sample_drafts import SampleDraft
    from ..samples import Agreement, LabelCandidate, LabeledSample
    from .project_rows import ProjectRows

    Wait = Callable[[], Awaitable[ProjectRows]]


class MemoryLabels:
    """The labelled samples of a project."""

    def __init__(
        self,
        drained: Wait,
        applied: Wait,
        writable: Callable[[], None],
        receipts: Receipts,
    ) -> None:
        self._drained = drained
        self._applied = applied
        self._writable = writable
        self._receipts = receipts

    async def all(
        self, *, labeler: str | None = None, principle_id: str | None = None
    ) -> list[LabeledSample]:
        """Return the samples, by `created_at` and then id."""
        by, about = labeler_and_principle(labeler, principle_id)
        return [
            sample
            for sample in (await self._drained()).labels.samples
            if by in (None, sample.labeler) and about in (None, sample.principle_id)
        ]

    async def stale(self, rubric: int | Rubric | None = None) -> list[LabeledSample]:
        """Return the samples that a rubric version made stale."""
        version = Arguments("stale").rubric(rubric)
        project = await self._drained()
        return project.labels.stale(project.asked_rubric("labels", version))

    async def agreement(
        self, *, judge: str | None = None, rubric: int | Rubric | None = None
    ) -> list[Agreement]:
        """Return how far judges agree with people."""
        check = Arguments("agreement")
        version, named = check.rubric(rubric), None if judge is None else check.judge(judge)
        require_statistics()
        project = await self._drained()
        labels, asked = project.labels, project.asked_rubric("labels", version)
        pairs = labels.pairs(asked, named)
        judges = sorted({pair.judge for pair in pairs}) if named is None else [named]
        return agreements(asked, judges, pairs, labels.stale_keys(asked))

    async def next(self, n: int) -> list[LabelCandidate]:
        """Return at most `n` unlabelled nodes that are most worth a label."""
        most = Arguments("next").count("n", n)
        return label_candidates(await self._applied(), most)

    async def export_file(self, path: str | os.PathLike[str]) -> int:
        """Write all samples to a file."""
        target = check_path(path)
        samples = await self.all()
        write_samples(target, samples)
        return len(samples)

    async def import_file(self, path: str | os.PathLike[str]) -> int:
        """Add the samples of a file, all of them or none."""
        source = check_path(path)
        self._writable()
        current = (await self._drained()).rubric
        return await self.add(read_samples(source, principle_ids(current)))

    async def add(self, drafts: Sequence[SampleDraft]) -> int:
        """Store checked samples, once what was accepted before is stored."""
        if not drafts:
            return 0
        project = await self._applied()
        contents = {each: node["content"] for each, node in project.graph.nodes.items()}
        count = project.labels.add(fill_contents(drafts, contents))
        self._receipts.count_labels(project.head, count)
        return count
