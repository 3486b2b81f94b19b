"""What was stored and what was left out since an adapter was opened, and how much callers know."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .model import Receipt

if TYPE_CHECKING:
    from .model import RejectedItem


class _Totals(NamedTuple):
    nodes: int = 0
    statuses: int = 0
    prunes: int = 0
    scores: int = 0
    labels: int = 0

    def plus(self, receipt: Receipt) -> _Totals:
        return _Totals(*(mine + getattr(receipt, name) for name, mine in self._asdict().items()))

    def minus(self, other: _Totals) -> _Totals:
        return _Totals(*(mine - its for mine, its in zip(self, other, strict=True)))


class Told(NamedTuple):
    """How much callers had been told at some moment."""

    totals: _Totals = _Totals()
    rejected: int = 0


class Receipts:
    """Adds up the receipts of batches, so that each `flush()` can say what is new since the last.

    Attributes:
        told: What callers know by now.
    """

    def __init__(self) -> None:
        self._totals = _Totals()
        self._rejected: list[RejectedItem] = []
        self.told = Told()

    def add(self, receipt: Receipt) -> None:
        """Count what a batch stored and left out."""
        self._totals = self._totals.plus(receipt)
        self._rejected.extend(receipt.rejected)

    def count_labels(self, seq: int, count: int) -> None:
        """Count labels, which pass by the batches."""
        self.add(Receipt(seq=seq, labels=count))

    def since(self, told: Told, seq: int) -> Receipt:
        """Return one receipt for all that came after `told`; callers are told by it.

        Calls that began at the same time share what came meanwhile, rejections included.
        """
        new = self._totals.minus(told.totals)
        rejected = tuple(self._rejected[told.rejected :])
        self.told = Told(self._totals, len(self._rejected))
        return Receipt(seq=seq, rejected=rejected, **new._asdict())

    def unheard(self) -> tuple[RejectedItem, ...]:
        """Return what was left out and nobody heard of yet; from now on it counts as heard."""
        rejected = tuple(self._rejected[self.told.rejected :])
        self.told = self.told._replace(rejected=len(self._rejected))
        return rejected
