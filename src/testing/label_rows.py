"""A project's labelled samples in memory, and what is asked of them, in the plainest way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..agreement import Pair
from ..errors import NotFoundError
from ..sample_drafts import check_node_content, check_same_key, last_of_each
from ..scales import scale_text
from .rubric_rows import bounded, mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model import Rubric
    from ..sample_drafts import Key, SampleDraft
    from ..samples import LabeledSample
    from .project_rows import ProjectRows


class LabelRows:
    """The labels of one project: one for each content, labeler and principle."""

    def __init__(self, project: ProjectRows) -> None:
        self._project = project
        self._rows: dict[Key, LabeledSample] = {}

    @property
    def samples(self) -> list[LabeledSample]:
        """All of them, by creation and then id."""
        return sorted(self._rows.values(), key=lambda sample: (sample.created_at, sample.id))

    @property
    def digests(self) -> set[bytes | None]:
        """Of the contents that have a label."""
        return {digest for digest, _, _ in self._rows}

    def add(self, drafts: Sequence[SampleDraft]) -> int:
        """Store samples, all or none."""
        last = last_of_each(drafts)
        self._check(drafts)
        for draft in last:
            given = draft.sample.rubric_version
            version = self._project.rubric_version if given is None else given
            sample = draft.sample.model_copy(update={"rubric_version": version})
            self._rows[draft.key] = sample
        return len(last)

    def _check(self, drafts: Sequence[SampleDraft]) -> None:
        project = self._project
        ids = {sample.id: key for key, sample in self._rows.items()}
        for draft in drafts:
            if draft.sample.principle_id not in (None, *project.rubrics.principles):
                what = f"principle {draft.sample.principle_id}"
                raise NotFoundError(f"{draft.name}: this project has no {what}")
        for draft in drafts:
            version = draft.sample.rubric_version
            if version is not None and version > len(project.rubrics.versions):
                raise NotFoundError(f"{draft.name}: this project has no rubric version {version}")
        for draft in drafts:
            if draft.sample.node_id not in (None, *project.register):
                node_id = draft.sample.node_id
                raise NotFoundError(f"{draft.name}: this project has no node {node_id}")
        contents = {each: entry.content_digest for each, entry in project.register.items()}
        for draft in drafts:
            check_node_content(draft, contents)
            check_same_key(draft, ids.get(draft.sample.id, draft.key))

    def stale(self, rubric: Rubric) -> list[LabeledSample]:
        """Return those that a version made stale."""
        return [sample for sample in self.samples if self._is_stale(sample, rubric)]

    def _is_stale(self, sample: LabeledSample, rubric: Rubric) -> bool:
        if sample.rubric_version is None:
            return False
        if sample.principle_id is not None:
            return sample.principle_id not in [each.id for each in rubric.principles]
        given = self._project.rubrics.get(self._project.id, sample.rubric_version)
        return _meaning(given) != _meaning(rubric)

    def stale_keys(self, rubric: Rubric) -> list[str | None]:
        """Return the principle's key of each stale label; `None` for one of the whole."""
        principles = self._project.rubrics.principles
        subjects = [sample.principle_id for sample in self.stale(rubric)]
        return [None if each is None else principles[each].key for each in subjects]

    def pairs(self, rubric: Rubric, judge: str | None) -> list[Pair]:
        """Return each label of a version with each judge's score of it."""
        project = self._project
        judges = sorted({by for _, _, by in project.scores if judge in (None, by)})
        found: list[Pair] = []
        for key, sample in self._rows.items():
            nodes = sorted(
                (node_id != sample.node_id, node_id)
                for node_id, entry in project.register.items()
                if entry.content_digest == key[0]
            )
            for by in judges:
                scores = [self._score(node_id, sample, rubric, by) for _, node_id in nodes]
                first = next((score for score in scores if score is not None), None)
                if first is not None:
                    scale = scale_text(sample.scale)
                    found.append(Pair(by, sample.principle_id, scale, sample.label, first))
        return found

    def _score(
        self, node_id: str, sample: LabeledSample, rubric: Rubric, judge: str
    ) -> float | None:
        stored = self._project.scores.values()
        of_node = {
            each.principle_id: each.score
            for each in stored
            if (each.node_id, each.judge) == (node_id, judge) and each.score is not None
        }
        if sample.principle_id is None:
            return mean(rubric, of_node)
        asked = [each.id for each in rubric.principles if each.id == sample.principle_id]
        return next((bounded(of_node[each]) for each in asked if each in of_node), None)


def _meaning(rubric: Rubric) -> set[tuple[str, float]]:
    return {(each.id, rubric.weight(each.key)) for each in rubric.principles}
