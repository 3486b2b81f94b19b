"""The steps of writers and of PostgreSQL: claim, flush, commit, unknown outcome, crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .state import FIRST_PART, SEVERAL, Entry, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .rules import Bounds, Rules
    from .state import Mark, State, Step


def writing_steps(rules: Rules, bounds: Bounds, state: State) -> Iterator[Step]:
    """Yield each next step of a writer, with a label for the trace."""
    for n, writer in enumerate(state.writers):
        if writer != Writer():
            yield f"{name(writer)} crashes", put(state, n, Writer())
        if state.opened:
            yield from own_steps(rules, bounds, state, n)
    yield from late_ends(bounds, state)


def own_steps(rules: Rules, bounds: Bounds, state: State, n: int) -> Iterator[Step]:
    writer = state.writers[n]
    match writer.phase:
        case "idle" if not writer.epoch:
            yield from claim(rules, bounds, state, n)
        case "idle" if state.batches < bounds.batches:
            fresh = state._replace(batches=state.batches + 1)
            yield from flush(rules, bounds, fresh, n, fresh.batches)
        case "again":
            yield from flush(rules, bounds, state, n, writer.batch)
        case "checked":
            yield from begin(rules, bounds, state, n, writer.batch)
        case "sent":
            yield from commit(rules, bounds, state, n)
        case "unknown":
            yield from resolve(rules, bounds, state, n)
        case _:
            return


def claim(rules: Rules, bounds: Bounds, state: State, n: int) -> Iterator[Step]:
    """Take the project over: last claimer wins. Waits for the row lock."""
    if state.pg.open and rules.seq_under_lock:
        return
    if bounds.joined and state.pg.epoch:
        yield (
            f"a writer joins epoch {state.pg.epoch}",
            put(state, n, Writer(epoch=state.pg.epoch)),
        )
    elif state.claims < bounds.claims:
        epoch = 1 + (state.claims if rules.epoch_is_unique else state.pg.epoch)
        pg = state.pg._replace(epoch=epoch)
        claimed = state._replace(pg=pg, claims=state.claims + 1)
        yield f"a writer claims epoch {epoch}", put(claimed, n, Writer(epoch=epoch))


def flush(rules: Rules, bounds: Bounds, state: State, n: int, batch: int) -> Iterator[Step]:
    """Start a flush; where the epoch is read beforehand, that read is a step of its own."""
    writer = state.writers[n]
    if rules.epoch_in_update:
        yield from begin(rules, bounds, state, n, batch)
    elif writer.epoch == state.pg.epoch:
        label = f"{name(writer)} reads that its epoch is current, for batch {batch}"
        yield label, put(state, n, writer._replace(phase="checked", batch=batch))
    else:
        yield refuse(state, n, batch, "fenced")


def begin(rules: Rules, bounds: Bounds, state: State, n: int, batch: int) -> Iterator[Step]:
    """Open the transaction: row lock, epoch, position, chain. Waits while another holds the row."""
    writer, pg = state.writers[n], state.pg
    if rules.seq_under_lock and pg.open:
        return
    if rules.epoch_in_update and writer.epoch != pg.epoch:
        yield refuse(state, n, batch, "fenced")
    elif rules.writer_remembers and writer.last and not pg.holds(writer.last):
        label = f"{name(writer)} misses its batch {writer.last}: DivergedError"
        yield label, put(state, n, writer._replace(phase="diverged"))
    elif rules.unique_batch_id and pg.holds(batch):
        yield from duplicate(rules, state, n, batch)
    else:
        entry = next_entry(rules, bounds, state, writer, batch)
        opened = pg._replace(open=(*pg.open, entry), drawn=drawn(rules, entry))
        sent = put(state._replace(pg=opened), n, writer._replace(phase="sent", batch=batch))
        yield f"{name(writer)} sends batch {batch} as position {entry.seq}", sent


def next_entry(rules: Rules, bounds: Bounds, state: State, writer: Writer, batch: int) -> Entry:
    """Return what a batch commits: its entry, or the last one of several; see `committed`."""
    pg = state.pg
    seq = pg.head + 1 if rules.seq_under_lock else pg.drawn + 1
    before = pg.mark
    if bounds.several and batch == SEVERAL:
        seq, before = seq + 1, link(rules, before, FIRST_PART)
    return Entry(seq, batch, writer.epoch, before, link(rules, before, batch), after=writer.last)


def link(rules: Rules, mark: Mark, batch: int) -> Mark:
    return (*mark, batch) if rules.chain == "digest" else (batch,)


def drawn(rules: Rules, entry: Entry) -> int:
    return 0 if rules.seq_under_lock else entry.seq


def duplicate(rules: Rules, state: State, n: int, batch: int) -> Iterator[Step]:
    """Meet the unique key: look the batch up again, or (without a look-up) report a failure."""
    writer = state.writers[n]
    if rules.unknown == "drive again":
        yield refuse(state, n, batch, "refused")
    else:
        label = f"{name(writer)} meets batch {batch} in the journal"
        yield label, put(state, n, writer._replace(phase="unknown"))


def commit(rules: Rules, bounds: Bounds, state: State, n: int) -> Iterator[Step]:
    """Commit and learn of it, or lose the connection before the answer."""
    writer = state.writers[n]
    entry = next(entry for entry in state.pg.open if entry.batch == writer.batch)
    if not rules.commits_whole:
        yield from commit_first(bounds, state, entry)
    label = f"batch {entry.batch} commits as position {entry.seq}, {name(writer)} is told"
    yield label, acknowledge(bounds, committed(bounds, state, entry), n)
    cut = put(state, n, writer._replace(phase="unknown"))
    yield f"{name(writer)} loses its connection during the COMMIT of batch {entry.batch}", cut


def commit_first(bounds: Bounds, state: State, entry: Entry) -> Iterator[Step]:
    """Commit the first of several entries in a transaction of its own."""
    first = committed(bounds, state, entry).pg.rows[:-1]
    if len(first) > len(state.pg.rows):
        label = f"the first entry of batch {entry.batch} commits"
        yield label, state._replace(pg=state.pg._replace(rows=first))


def late_ends(bounds: Bounds, state: State) -> Iterator[Step]:
    """End the transactions whose client has gone: the server commits or aborts them later."""
    awaited = {writer.batch for writer in state.writers if writer.phase == "sent"}
    for entry in state.pg.open:
        if entry.batch not in awaited:
            yield (
                f"batch {entry.batch} commits late as position {entry.seq}",
                committed(bounds, state, entry),
            )
            yield f"batch {entry.batch} aborts late", ended(state, entry)


def resolve(rules: Rules, bounds: Bounds, state: State, n: int) -> Iterator[Step]:
    """Find out about an unknown outcome."""
    writer, pg = state.writers[n], state.pg
    if rules.unknown == "drive again":
        yield f"{name(writer)} decides to drive batch {writer.batch} again", retry(state, n)
        return
    if rules.look_up_locks and pg.open:
        return
    if rules.unknown == "epoch, then look up" and writer.epoch != pg.epoch:
        yield refuse(state, n, writer.batch, "fenced")
    elif pg.holds(writer.batch):
        label = f"{name(writer)} finds batch {writer.batch} in the journal"
        yield label, acknowledge(bounds, state, n)
    else:
        yield f"{name(writer)} does not find batch {writer.batch}", retry(state, n)


def acknowledge(bounds: Bounds, state: State, n: int) -> State:
    """Tell the writer that its batch is stored; it remembers which, if that can matter."""
    writer = state.writers[n]
    told = state._replace(acked=state.acked | {writer.batch})
    last = writer.batch if bounds.restore == "postgres" else 0
    return put(told, n, writer._replace(phase="idle", batch=0, last=last))


def retry(state: State, n: int) -> State:
    return put(state, n, state.writers[n]._replace(phase="again"))


def refuse(state: State, n: int, batch: int, why: str) -> Step:
    writer = state.writers[n]
    over = writer._replace(phase="fenced" if why == "fenced" else "refused", batch=0)
    told = state._replace(refused=state.refused | {batch})
    return f"{name(writer)} is told that batch {batch} is {why}", put(told, n, over)


def committed(bounds: Bounds, state: State, entry: Entry) -> State:
    """Return the state after a commit, which may be of two entries."""
    pg = ended(state, entry).pg
    rows = pg.rows
    if bounds.several and entry.batch == SEVERAL and not pg.holds(FIRST_PART):
        first = entry._replace(seq=entry.seq - 1, batch=FIRST_PART, prev=pg.mark, mark=entry.prev)
        rows = (*rows, first)
    return state._replace(pg=pg._replace(rows=(*rows, entry)))


def ended(state: State, entry: Entry) -> State:
    rest = tuple(other for other in state.pg.open if other != entry)
    return state._replace(pg=state.pg._replace(open=rest))


def put(state: State, n: int, writer: Writer) -> State:
    """Replace a writer; sorted, because which of the two is which makes no difference."""
    others = (*state.writers[:n], *state.writers[n + 1 :])
    return state._replace(writers=tuple(sorted((*others, writer))))


def name(writer: Writer) -> str:
    return f"the writer of epoch {writer.epoch}"
