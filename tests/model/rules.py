"""The protocol's rules as switches, and the bounds within which a run explores them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True)
class Rules:
    """The defaults are the protocol that holds; any other value leaves a rule out."""

    # Flush: one PostgreSQL transaction (rules 1 to 4)
    epoch_in_update: bool = True
    """Rule 1: the epoch is compared by the locking UPDATE, not by a read before it."""
    seq_under_lock: bool = True
    """Rule 1: positions come from the locked project row, not from a SEQUENCE."""
    unique_batch_id: bool = True
    """Rule 4: the journal refuses a batch id that it already holds."""
    commits_whole: bool = True
    """Rule 4: all entries of a flush are one PostgreSQL transaction."""
    epoch_is_unique: bool = True
    """A claim draws an epoch that no earlier claim had, even one that a restore took back."""
    writer_remembers: bool = True
    """A flush requires that the writer's own last acknowledged batch is still in the journal."""

    # Unknown outcome
    unknown: Literal["look up, then epoch", "epoch, then look up", "drive again"] = (
        "look up, then epoch"
    )
    """What a writer does first when the outcome of its COMMIT is unknown."""
    look_up_locks: bool = True
    """The look-up takes the row lock, so it waits until a late commit has ended."""

    # Apply: Neo4j transactions (rules 5 and 6)
    lock_first: bool = True
    """Rule 5: the watermark is locked before it is compared."""
    guard: Literal["next", "greater", "none"] = "next"
    """Rule 5: accept only position applied + 1, any greater one, or whatever comes."""
    watermark: Literal["set", "max"] = "set"
    """The watermark becomes the last position written, or max() of that and what it was."""
    create: bool = True
    """Rule 6: nodes are made with CREATE, which refuses a known one; otherwise with MERGE."""
    neo4j_fence: bool = False
    """The watermark keeps the highest epoch and refuses lower ones (not in the design)."""
    chain: Literal["digest", "ids", "none"] = "digest"
    """Rule 5: entries name their predecessor: by a digest of all before, by id, or not."""
    checks_head: bool = True
    """Rule 5: applied > head is divergence."""
    identity_before_drop: bool = True
    """Rule 5: the row at `applied` is verified even if nothing is left to apply."""
    checks: Literal["each contact", "open"] = "each contact"
    """Rule 5: batch ids are compared at each contact, or only when a process opens."""
    contact: Literal["together", "watermark first", "journal first"] = "together"
    """Rule 5: whether watermark and journal are read under one lock, else which is read first."""
    watermark_with_writes: bool = True
    """Rule 6: the watermark moves in the transaction that writes the data."""
    prune: Literal["none", "chunks", "marked chunks"] = "none"
    """Rule 7: batch 2 is a prune in two transactions, of which the first marks the watermark."""
    prune_rechecks: bool = True
    """Rule 7: who goes on with a prune looks whether what it did before is still there."""

    # The journal and the rebuild (rule 9)
    journal: Literal["kept", "trimmed if verified", "trimmed"] = "kept"
    """Rule 9: no trim; else any process may delete `<= applied` (having compared ids first)."""
    clearing_guarded: bool = True
    """Rule 9: every step of a rebuild checks, under the lock, that it is still due."""
    opens_if_empty: bool = True
    """Rule 9: the last step of a rebuild checks that nothing is left."""

    # Reads (rule 10)
    barrier: Literal["applied >= head", "head <= last apply", "applied >= own"] = "applied >= head"
    """Rule 10: what a read waits for."""
    read_verifies: bool = True
    """A read makes rule 5's comparison of watermark and journal, even if it need not wait."""
    read: Literal["snapshot", "head first", "two transactions", "two statements", "generation"] = (
        "snapshot"
    )
    """How head, watermark and data are read: at one instant; the head at an earlier one; the data
    at a later one; or the watermark again after the data (`generation`)."""
    read_minds_parts: bool = True
    """A read is not answered while an entry is applied in part."""
    read_minds_commits: bool = True
    """A read is not answered between the entries of one commit."""


@dataclass(frozen=True)
class Bounds:
    """How much may happen in one run; everything within the bounds is explored."""

    batches: int = 3
    """Batches that the writers form between them."""
    claims: int = 2
    """Epochs claimed: take-overs, and restarts after a crash."""
    in_flight: int = 2
    """Neo4j transactions under way at once."""
    restore: Literal["nothing", "neo4j", "postgres"] = "nothing"
    """Which store is restored to an older state, once, at any time."""
    rebuilds: int = 0
    """How often the graph is cleared and rebuilt from the journal."""
    several: bool = False
    """Batch 2 commits as two entries; if there is a prune, that is the second one."""
    from_memory: bool = False
    """Who applies reads the journal after any position that it may remember, not the watermark's:
    after a commit of whose outcome it has not heard, or from before a restore."""
    joined: bool = False
    """The writers share an epoch (mode `join`) and do not take over from each other."""
    neo4j_down_at_open: bool = False
    """Neo4j may be down when processes open."""


PROTOCOL = Rules()

AS_FIRST_WRITTEN = replace(
    PROTOCOL,
    epoch_is_unique=False,
    writer_remembers=False,
    chain="ids",
    read_verifies=False,
    read="two statements",
)
"""The design before this model: enough until PostgreSQL is restored or a graph is rebuilt."""
