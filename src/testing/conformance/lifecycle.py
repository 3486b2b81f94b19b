"""An adapter says that it is closed, that it was left open, and what it was asked to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from ...errors import ClosedError, ValidationError
from ...model import Node
from .base import Conformance, chain

if TYPE_CHECKING:
    from .base import OpenStore


class LifecycleConformance(Conformance):
    """Opening and closing."""

    async def test_a_closed_adapter_says_so(self, open_store: OpenStore) -> None:
        store = open_store()
        await store.close()
        with pytest.raises(ClosedError, match="is closed"):
            await store.flush()

    async def test_an_adapter_that_is_not_closed_warns_with_what_is_pending(
        self, open_store: OpenStore
    ) -> None:
        """Hazard D8."""
        store = open_store(flush_interval_s=60.0)
        await store.save_nodes_batch([Node(content=""), Node(content="")])
        with pytest.warns(ResourceWarning, match=r"was not closed; 2 item\(s\) were not stored"):
            cast("Any", store).__del__()

    async def test_a_bad_name_option_or_mode_is_refused_before_anything_is_opened(
        self, open_store: OpenStore
    ) -> None:
        with pytest.raises(ValidationError, match="project: id"):
            open_store("no good")
        with pytest.raises(ValidationError, match="flush_at"):
            open_store(flush_at=0)
        with pytest.raises(ValidationError, match="mode"):
            open_store(mode=cast("Any", "write"))

    async def test_it_opens_at_the_first_call_and_closes_what_it_opened(
        self, open_store: OpenStore
    ) -> None:
        store = open_store()
        assert store.counts == {}
        await store.save_nodes_batch(chain("a"))
        assert "1 pending" in repr(store)
        await store.close()
        async with open_store() as again:
            assert (await again.node("a")).seq == 1
