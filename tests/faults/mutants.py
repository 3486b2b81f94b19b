"""The protocol with one rule left out of its real source, many times over.

Each is an exact change of text. What is to be changed must occur exactly once, so that a mutant
whose place was rewritten is noticed instead of being switched off.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Change(NamedTuple):
    """One change of text in a file of `src/`, or of `cypher/`."""

    file: str
    old: str
    new: str


class Mutant(NamedTuple):
    """A rule left out, and what shows it.

    Attributes:
        hazard: Which one it is, in the names of `docs/explanation/guarantees.md`.
        name: What is left out.
        case: The quickest case that catches it; see `trial.CASES`.
        seen_as: What that case says then: a word, or the error that is raised without need.
        changes: More than one where a second line of defence would hide the first.
    """

    hazard: str
    name: str
    case: str
    seen_as: str
    changes: tuple[Change, ...]


_LOOK_UP: Final = Change("src/flushing.py", "if number > 1:", "if number > 1_000_000:")
_NO_EPOCH: Final = Change(
    "src/relational/journal.py",
    "AND epoch = $3 AND owner = $4",
    "AND (TRUE OR epoch = $3 AND owner = $4)",
)
_ADVANCE: Final = "found = await connection.fetchrow("
_NO_GUARD: Final = (
    Change(
        "src/applying.py",
        "todo = run([entry for entry in entries if entry.seq > mark.applied])",
        "todo = run(entries)",
    ),
    Change(
        "src/applying.py",
        "if not todo or not self._history.fits(mark, todo):",
        "if not todo:",
    ),
    Change("src/graph/writes.py", "applied <= self.watermark.applied:", "applied < 0:"),
)
_MOVE: Final = "SET w.applied = $applied, w.chain = $chain, w.quarantine = $quarantine\n"

MUTANTS: Final = (
    Mutant(
        "A3",
        "a batch that is driven again has another id",
        "a_lost_reply_to_a_commit",
        "doubled",
        (
            Change(
                "src/flushing.py",
                "            if number > 1:\n",
                "            nonlocal batch\n"
                "            if number > 1:\n"
                '                batch = type(batch)(f"{batch.id}.{number}", batch.items)\n',
            ),
        ),
    ),
    Mutant(
        "A3",
        "a batch is driven again without being looked up, before and after",
        "a_lost_reply_to_a_commit",
        "StoreError",
        (
            _LOOK_UP,
            Change(
                "src/relational/journal.py", "if exc.code != _UNIQUE_VIOLATION:", "if exc.code:"
            ),
        ),
    ),
    Mutant(
        "D2",
        "a batch leaves the buffer before it is stored",
        "a_writer_that_is_replaced",
        "lost",
        (
            Change(
                "src/flushing.py",
                "batch = self._buffer.freeze()",
                "batch = self._buffer.freeze(); self._buffer.done()",
            ),
        ),
    ),
    Mutant(
        "A5",
        "the epoch is not compared",
        "a_writer_that_is_replaced",
        "not refused",
        (_NO_EPOCH,),
    ),
    Mutant(
        "A5",
        "the epoch is read before the row is locked, not by the update that locks it",
        "a_take_over_while_a_flush_waits",
        "not refused",
        (
            _NO_EPOCH,
            Change(
                "src/relational/journal.py",
                _ADVANCE,
                "now = await connection.fetchrow(_EPOCH, project_id)\n"
                "    if tuple(now) != epoch:\n"
                "        return None\n"
                f"    {_ADVANCE}",
            ),
            Change(
                "src/relational/journal.py",
                "_CHAIN: Final =",
                '_EPOCH: Final = "SELECT epoch, owner FROM sapwood.project WHERE id = $1"\n'
                "_CHAIN: Final =",
            ),
        ),
    ),
    Mutant(
        "A9",
        "an epoch is its number alone",
        "a_claim_that_a_restore_took_back",
        "not refused",
        (
            Change(
                "src/relational/journal.py",
                "AND epoch = $3 AND owner = $4",
                "AND epoch = $3 AND (TRUE OR owner = $4)",
            ),
        ),
    ),
    Mutant(
        "A9",
        "a writer forgets what it was told is stored",
        "an_older_postgresql_under_its_writer",
        "not refused",
        (Change("src/relational/journal.py", 'if not found["follows"]:', "if False:"),),
    ),
    Mutant(
        "A9",
        "the chain of entries is not compared with the watermark's",
        "an_older_postgresql_under_another_writer",
        "not refused",
        (
            Change(
                "src/history.py",
                "if (entry.seq, entry.chain, entry.incarnation) != (seq, chain, self.incarnation):",
                "if (entry.seq, entry.incarnation) != (seq, self.incarnation):",
            ),
        ),
    ),
    Mutant(
        "A9",
        "a position that the graph has already is taken for applied",
        "an_older_postgresql_under_another_writer",
        "not refused",
        (Change("src/delivery.py", "if seq <= (self.applied or 0):", "if False:"),),
    ),
    Mutant(
        "A11",
        "a node is kept whose id came to mean another",
        "two_who_save_one_id",
        "not refused",
        (
            Change(
                "src/batch.py",
                "if found is not None and found.digest == item.digest:",
                "if found is not None:",
            ),
        ),
    ),
    Mutant(
        "A11",
        "what refers to a rejected node is kept",
        "two_who_save_one_id",
        "lost",
        (
            Change(
                "src/batch.py",
                "elif item.node_id not in known or item.node_id in refused:",
                "elif item.node_id not in known:",
            ),
        ),
    ),
    Mutant(
        "A6",
        "of several entries only the last one's position is noted, not its chain",
        "a_flush_of_several_entries",
        "DivergedError",
        (
            Change(
                "src/relational/journal.py",
                "SET head_seq = $2, chain = $3 WHERE",
                "SET head_seq = $2, chain = coalesce(chain, $3) WHERE",
            ),
        ),
    ),
    Mutant(
        "A1",
        "MERGE, and the watermark is a maximum",
        "an_applier_that_comes_late",
        "diverged",
        (
            *_NO_GUARD,
            Change(
                "cypher/project/move_watermark.cypher",
                _MOVE,
                "SET w.chain = CASE WHEN $applied > w.applied THEN $chain ELSE w.chain END,\n"
                "  w.applied = CASE WHEN $applied > w.applied THEN $applied ELSE w.applied END,\n"
                "  w.quarantine = $quarantine\n",
            ),
            Change(
                "cypher/node/create_roots.cypher",
                "CREATE (n:Node:$(row[13]) {\n"
                "  project_id: $project_id, id: row[0], parent_id: row[1],",
                "MERGE (n:Node {project_id: $project_id, id: row[0]})\n"
                "SET n:$(row[13])\n"
                "SET n += {\n"
                "  parent_id: row[1],",
            ),
            Change("cypher/node/create_roots.cypher", "seq: row[12]\n})\n", "seq: row[12]\n}\n"),
            Change(
                "cypher/node/create_children.cypher",
                "CREATE (n:Node:$(row[13]) {\n"
                "  project_id: $project_id, id: row[0], parent_id: row[1],",
                "MERGE (n:Node {project_id: $project_id, id: row[0]})\n"
                "SET n:$(row[13])\n"
                "SET n += {\n"
                "  parent_id: row[1],",
            ),
            Change("cypher/node/create_children.cypher", "seq: row[12]\n})\n", "seq: row[12]\n}\n"),
            Change(
                "cypher/node/create_children.cypher",
                "CREATE (parent)-[edge:PARENT_OF {",
                "MERGE (parent)-[edge:PARENT_OF {",
            ),
        ),
    ),
    Mutant(
        "A2",
        "the watermark is not locked before it is read",
        "two_appliers_at_one_lock",
        "StalledError",
        (Change("cypher/project/lock_watermark.cypher", "SET w:Watermark\n", ""),),
    ),
    Mutant(
        "A2",
        "the watermark is locked after it was read",
        "two_appliers_at_one_lock",
        "StalledError",
        (
            Change(
                "cypher/project/lock_watermark.cypher",
                "SET w:Watermark\nWITH w\n",
                "WITH w, properties(w) AS seen\nSET w:Watermark\nWITH seen AS w\n",
            ),
        ),
    ),
    Mutant(
        "A4",
        "the watermark moves in a transaction after that of the writes",
        "a_cut_in_an_apply",
        "StalledError",
        (
            Change(
                "src/applying.py",
                "await transaction.commit(todo[-1].seq, todo[-1].chain, left_out)",
                "await transaction._transaction.commit()\n"
                "                async with self._writer.apply(self._project_id) as second:\n"
                "                    await second.commit(todo[-1].seq, todo[-1].chain, left_out)",
            ),
        ),
    ),
    Mutant(
        "A4",
        "entries of a commit without an answer are written again, whatever the watermark says",
        "a_lost_reply_of_neo4j",
        "StalledError",
        (
            *_NO_GUARD,
            Change(
                "src/delivery.py", "self.cause, self._applier.place = exc, None", "self.cause = exc"
            ),
        ),
    ),
    Mutant(
        "A1",
        "entries that are in the graph already are written again",
        "an_applier_that_comes_late",
        "StalledError",
        _NO_GUARD,
    ),
    Mutant(
        "A6",
        "the fold keeps the first value, not the last",
        "entries_that_are_applied_at_once",
        "diverged",
        (
            Change(
                "src/journal.py",
                'self.sets.setdefault(row["id"], {}).update(row)',
                'self.sets[row["id"]] = {**row, **self.sets.get(row["id"], {})}',
            ),
        ),
    ),
    Mutant(
        "A15",
        "a prune does not end a run of entries",
        "entries_that_are_applied_at_once",
        "diverged",
        (
            Change(
                "src/journal.py",
                "entry.operations.prune is None, entries)",
                "entry.operations is not None, entries)",
            ),
        ),
    ),
    Mutant(
        "A16",
        "the creation of the project is not compared",
        "a_project_made_again_before_an_old_applier_comes",
        "DivergedError",
        (Change("src/history.py", "if mark.incarnation != self.incarnation:", "if False:"),),
    ),
    Mutant(
        "A16",
        "who makes a watermark does not ask for its project",
        "a_project_deleted_before_an_applier_comes",
        "not refused",
        (
            Change(
                "src/applying.py",
                "            await self._history.require_project()\n        except NotFoundError:",
                "            pass\n        except NotFoundError:",
            ),
        ),
    ),
    Mutant(
        "A15",
        "the count of rows that were written is not compared",
        "an_edited_graph",
        "not refused",
        (Change("src/graph/writes.py", "if written != len(rows):", "if written > len(rows):"),),
    ),
    Mutant(
        "A8",
        "a read trusts what was applied before, not the watermark that it finds",
        "an_older_graph_under_a_reader",
        "lost",
        (
            Change("src/history.py", 'mark.state != "open" or mark.applied < head.seq:', "False:"),
            Change(
                "src/history.py",
                "if mark.applied == head.seq and mark.chain != head.chain:",
                "if False:",
            ),
        ),
    ),
    Mutant(
        "A17",
        "a read does not mind half a commit",
        "a_read_between_the_entries_of_a_flush",
        "lost",
        (
            Change(
                "src/history.py",
                "if goes_on:",
                "if False:",
            ),
        ),
    ),
    Mutant(
        "A9",
        "a read does not mind half a prune",
        "an_older_postgresql_in_the_middle_of_a_prune",
        "not refused",
        (Change("src/history.py", "if mark.under_way is not None:", "if False:"),),
    ),
    Mutant(
        "A9",
        "a prune that is applied in part is not marked",
        "an_older_postgresql_in_the_middle_of_a_prune",
        "not refused",
        (Change("cypher/prune/mark.cypher", "SET w.under_way = $under_way", "SET w:Watermark"),),
    ),
    Mutant(
        "A8",
        "a prune in parts is not checked at its end",
        "an_older_graph_in_the_middle_of_a_prune",
        "diverged",
        (Change("src/applying.py", "if found_before and not rest:", "if False:"),),
    ),
    Mutant(
        "I2",
        "the first part of a prune moves the watermark",
        "a_prune_in_parts",
        "diverged",
        (Change("src/applying.py", "        if rest:\n", "        if False:\n"),),
    ),
    Mutant(
        "A17",
        "a read does not mind that the graph is cleared",
        "a_clearing_that_stops_half_way",
        "lost",
        (
            Change(
                "src/history.py",
                'if mark is None or mark.state != "open" or mark.applied',
                "if mark is None or mark.applied",
            ),
        ),
    ),
    Mutant(
        "A19",
        "a step of a clearing does not ask whether it is due",
        "a_clearing_that_stops_half_way",
        "diverged",
        (
            Change(
                "src/graph/clearing.py",
                "if not await _is(transaction, project_id, incarnation, state):",
                "if False:",
            ),
        ),
    ),
    Mutant(
        "A19",
        "the last step of a clearing does not ask whether anything is left",
        "a_clearing_whose_end_comes_late",
        "StalledError",
        (
            Change(
                "src/graph/clearing.py",
                'await transaction.value("project.has_nodes", project_id=project_id)\n'
                "            ):\n                await transaction.run(\n"
                '                    "project.open_watermark"',
                "False\n            ):\n                await transaction.run(\n"
                '                    "project.open_watermark"',
            ),
        ),
    ),
    Mutant(
        "A19",
        "who begins to clear asks for its project before the lock, not under it",
        "a_rebuild_that_comes_into_a_deletion",
        "doubled",
        (
            Change(
                "src/applying.py",
                "        await self._clearing.begin(\n",
                "        await self._history.require_project()\n"
                "        await self._clearing.begin(\n",
            ),
            Change("src/graph/clearing.py", "if allowed is not None:", "if False:"),
        ),
    ),
    Mutant(
        "I1",
        "the mark of the stats moves in a transaction before that of their rows",
        "a_refresh_of_stats_that_is_cut",
        "lost",
        (
            Change(
                "src/relational/branch_stats.py",
                "            await _fold(connection, project_id, changes)\n"
                '            await connection.execute(_MOVE_MARK, values | {"seq": changes.seq})\n',
                '            await connection.execute(_MOVE_MARK, values | {"seq": changes.seq})\n'
                '            await (await driver(connection)).execute("COMMIT; BEGIN")\n'
                "            await _fold(connection, project_id, changes)\n",
            ),
        ),
    ),
    Mutant(
        "I1",
        "the mark of the stats moves to the head, whatever was taken in",
        "a_refresh_of_stats_in_portions",
        "lost",
        (
            Change(
                "src/relational/branch_stats.py",
                'values | {"seq": changes.seq}',
                'values | {"seq": head}',
            ),
        ),
    ),
)
