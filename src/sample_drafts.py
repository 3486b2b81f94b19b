"""From a sample as a caller gives it to what is stored: checked and copied. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .errors import ConflictError, ValidationError
from .samples import LabeledSample
from .scales import check_label, check_scale, parse_scale, scale_text
from .values import ITEM_BYTES, JUDGE_BYTES, check_id, check_integer, check_text, digest_content

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ENDS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
RUBRIC_VERSIONS = 2**31 - 1
Key = tuple[bytes | None, str, str | None]
"""Digest of the content, labeler, principle: what there is one label of."""


@dataclass(frozen=True, slots=True)
class SampleDraft:
    """A sample that both stores can hold.

    Attributes:
        name: What errors call it.
        digest: Of its content; `None` while that is still to be found.
        scale: In its short form.
    """

    name: str
    sample: LabeledSample
    digest: bytes | None
    scale: str

    @property
    def key(self) -> Key:
        """What there is one label of."""
        return self.digest, self.sample.labeler, self.sample.principle_id

    def with_content(self, content: str) -> SampleDraft:
        """Return it with its node's content."""
        sample = self.sample.model_copy(update={"content": content})
        return replace(self, sample=sample, digest=digest_content(content.encode()))


def draft_sample(sample: object, name: str | None = None) -> SampleDraft:
    """Return `sample` as it will be stored; what the caller changes later is not seen.

    Args:
        name: What errors call it; its id by default.

    Raises:
        ValidationError: PostgreSQL could not hold it, or its label is none of its scale.
    """
    if not isinstance(sample, LabeledSample):
        problem = f"is a {type(sample).__name__}, not a LabeledSample"
        raise ValidationError("add_labels_batch", "item", problem)
    item = name or f"sample {check_id('sample', 'id', sample.id)}"
    check_id(item, "id", sample.id)
    digest = _check_content(item, sample)
    if not check_text(item, "labeler", sample.labeler, JUDGE_BYTES):
        raise ValidationError(item, "labeler", "must say who labelled it")
    if sample.principle_id is not None:
        check_id(item, "principle_id", sample.principle_id)
    check_scale(item, sample.scale)
    if sample.rationale is not None:
        check_text(item, "rationale", sample.rationale)
    _check_version(item, sample.rubric_version)
    scale = scale_text(sample.scale)
    values = {
        "label": check_label(item, sample.scale, sample.label),
        "scale": parse_scale(scale),  # a copy
        "rationale": sample.rationale or None,
        "created_at": _utc(item, sample.created_at),
    }
    return SampleDraft(item, sample.model_copy(update=values), digest, scale)


def last_of_each(drafts: Iterable[SampleDraft]) -> list[SampleDraft]:
    """Return the last draft of each key, sorted by it; contents are known.

    Raises:
        ConflictError: One id stands for two keys.
    """
    keys: dict[str, Key] = {}
    last: dict[Key, SampleDraft] = {}
    for draft in drafts:
        check_same_key(draft, keys.setdefault(draft.sample.id, draft.key))
        last[draft.key] = draft
    return [
        last[key] for key in sorted(last, key=lambda key: (key[0] or b"", key[1], key[2] or ""))
    ]


def check_same_key(draft: SampleDraft, known: Key) -> None:
    """Raise `ConflictError` if the draft's id is known to stand for something else."""
    if known != draft.key:
        raise ConflictError(
            f"{draft.name}: its id {draft.sample.id} is that of a label of another content, "
            "labeler or principle; make it without an id"
        )


def check_node_content(draft: SampleDraft, digests: Mapping[str, bytes]) -> None:
    """Raise `ConflictError` if the draft's content is not its node's, by digest."""
    node_id, digest = draft.sample.node_id, draft.digest
    if node_id is not None and digest != digests[node_id]:
        found = "none" if digest is None else digest.hex()
        raise ConflictError(
            f"{draft.name}: its content (digest {found}) is not that of node {node_id} (digest "
            f"{digests[node_id].hex()}); leave one of the two out"
        )


def _check_content(item: str, sample: LabeledSample) -> bytes | None:
    if sample.node_id is not None:
        check_id(item, "node_id", sample.node_id)
    elif sample.content is None:
        raise ValidationError(
            item, "content", "must be given, or the node_id of a node that has it"
        )
    if sample.content is None:
        return None
    return digest_content(check_text(item, "content", sample.content, ITEM_BYTES))


def _check_version(item: str, version: int | None) -> None:
    if version is None:
        return
    if not 1 <= check_integer(item, "rubric_version", version) <= RUBRIC_VERSIONS:
        raise ValidationError(item, "rubric_version", "must be that of a saved rubric, from 1")


def _utc(item: str, moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValidationError(item, "created_at", "must have a time zone, such as UTC")
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:
        utc = _ENDS[0]
    if utc in _ENDS:  # PostgreSQL's driver takes these two for minus and plus infinity
        raise ValidationError(item, "created_at", "is not within the years 1 to 9999 of UTC")
    return utc
