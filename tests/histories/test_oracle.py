"""The oracle and the adapter in memory: two tellings of what the calls mean, held together."""

from __future__ import annotations

from random import Random

from sapwood import Node
from sapwood.testing import MemoryAdapter, MemoryStores

from .calls import FOUND, READS, RUBRIC, Writes, perform
from .oracle import ROOT, Oracle
from .versions import Span, Versions


async def test_the_oracle_says_of_random_writes_what_the_memory_says() -> None:
    numbers = Random(1)
    writes, oracle, own = Writes(numbers), Oracle(), [ROOT]
    async with MemoryAdapter(MemoryStores(), project_id="oracle") as store:
        await store.rubrics.save(RUBRIC)
        for number in range(300):
            tag = f"c1.1.{number}"
            witness = Node(parent_id=numbers.choice(own[-3:]), content=tag)
            drawn = writes.draw(tag, numbers.choice(own), float(number)) if number else [FOUND]
            calls = [*drawn, ["nodes", [[witness.id, witness.parent_id, tag, {}]]]]
            await perform(store, calls, witness)
            oracle.apply(calls)
            own.append(witness.id)
            if number % 10 == 0:
                wanted = dict(oracle.registers())
                for name in READS.keys() - {"life"}:
                    for seen in await READS[name][0](store, ROOT):
                        assert seen == {each: wanted[each] for each in seen}, (number, name)
            own = own[-9:] if number else [witness.id]


def test_where_a_read_may_stand_is_told_by_all_that_it_saw() -> None:
    versions = Versions()
    for left, right in [(0, 0), (1, 0), (1, 1), (0, 1), (1, 1)]:
        versions.add([("left", left), ("right", right)])
    assert versions.spans({"left": 1}) == [Span(1, 3), Span(4, 5)]
    assert versions.spans({"left": 1, "right": 1}) == [Span(2, 3), Span(4, 5)]
    assert versions.spans({"left": 0, "right": 1}) == [Span(3, 4)]
    assert versions.spans({"left": 2}) == []
