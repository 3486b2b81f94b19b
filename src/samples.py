"""The records of labelling: what people say of contents, and how far judges agree with them."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictFloat

from .model import Record, _now, new_id
from .scales import ClassScale, NumberScale

Scale = NumberScale | ClassScale
Reason = Literal["judges disagree", "near the pruning line", "high score"]


def _scale(value: object) -> Scale:
    if isinstance(value, NumberScale | ClassScale):
        return value
    raise ValueError("must be a NumberScale or a ClassScale")


class LabeledSample(Record):
    """What one person says of one content. There is one for each (content, labeler, principle).

    Attributes:
        content: What was judged; with `node_id` it may be left out, and is then the node's.
        node_id: The node whose content it is; `None` for a content that need not be in the tree.
        labeler: Who says it, at most 256 bytes.
        principle_id: What it was judged by; `None` for the content as a whole.
        label: A number or a class of `scale`.
        rationale: Why; an empty one counts as none.
        rubric_version: The version that the labeler had before them; `None` for the one that is
            current when the sample is added.
    """

    id: str = Field(default_factory=new_id)
    content: str | None = None
    node_id: str | None = None
    labeler: str
    principle_id: str | None = None
    label: StrictFloat | str
    scale: Annotated[Scale, BeforeValidator(_scale)]
    rationale: str | None = None
    rubric_version: int | None = None
    created_at: datetime = Field(default_factory=_now)


class LabelCandidate(Record):
    """A node whose content nobody labelled yet, and why it is worth a person's look.

    Attributes:
        value: What the reason comes to: the spread between two judges' scores, the distance from
            the pruning line, or the score.
    """

    node_id: str
    reason: Reason
    value: float


class Agreement(Record):
    """How far one judge agrees with people, on one principle or on the whole.

    Attributes:
        principle_id, key: The principle; both `None` for the whole, where the judge's number is
            the weighted mean of its scores.
        rubric_version: The version that is compared.
        count: Pairs of a label and a score. Two labelers of one content make two.
        spearman: Rank correlation; `None` with fewer than two pairs, or if a side is constant.
        mean_absolute_error: Of the judge, in its own unit; `None` without pairs.
        bias: Mean of judge minus people; `None` without pairs.
        kappa, weighted_kappa: Cohen's, the second with quadratic weights, where a score counts
            as the nearest class or step; `None` if the labels are of several scales or of one
            without classes or steps, and where all pairs are of one and the same class.
        stale: Labels that this version made stale: see `store.labels.stale`.
    """

    judge: str
    principle_id: str | None
    key: str | None
    rubric_version: int
    count: int
    spearman: float | None
    mean_absolute_error: float | None
    bias: float | None
    kappa: float | None
    weighted_kappa: float | None
    stale: int
