"""Arguments of reads: what is accepted, and how the rest is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sapwood.arguments import Arguments
from sapwood.errors import ValidationError
from sapwood.model import NodeStatus, Principle, Rubric
from sapwood.nodes import FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable

CHECK = Arguments("children")


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


NO_ID: list[Any] = ["", "\ud800", "a b", "a" * 65, "a\n", None, 5, b"a", nested(100_000), object()]
NO_NAME: list[Any] = ["colour", "", "\ud800", "x" * 100, 5, nested(100_000), ["alive"]]
NO_COUNT: list[Any] = [-1, 2**63, True, 1.0, "1", float("nan"), nested(100_000)]


def refused(call: Callable[[], object], argument: str) -> str:
    with pytest.raises(ValidationError) as error:
        call()
    assert (error.value.item, error.value.field) == ("children", argument)
    text = str(error.value)
    assert text.isprintable()
    assert len(text) < 300
    return text


@pytest.mark.parametrize("value", NO_ID, ids=range(len(NO_ID)))
def test_what_is_no_id_is_refused(value: Any) -> None:
    refused(lambda: CHECK.node_id(value), "node_id")
    refused(lambda: CHECK.node_ids(["good", value]), "node_ids[1]")
    if value is not None:
        refused(lambda: CHECK.under(value), "under")


@pytest.mark.parametrize("value", NO_NAME, ids=range(len(NO_NAME)))
def test_what_is_no_name_of_its_kind_is_refused(value: Any) -> None:
    assert "alive, pruned, complete, failed" in refused(lambda: CHECK.status(value), "status")
    assert "id, depth" in refused(lambda: CHECK.choice("by", value, ("id", "depth")), "by")
    assert "attributes" in refused(lambda: CHECK.fields(["id", value]), "fields[1]")


def test_a_typo_is_repeated_a_value_that_could_be_anything_is_not() -> None:
    assert "not 'aliv'" in refused(lambda: CHECK.status("aliv"), "status")
    assert "not a list" in refused(lambda: CHECK.status(["alive"]), "status")
    assert "not a str" in refused(lambda: CHECK.status("alive" * 100), "status")


@pytest.mark.parametrize("value", NO_COUNT, ids=range(len(NO_COUNT)))
def test_what_is_no_number_of_things_is_refused(value: Any) -> None:
    refused(lambda: CHECK.at_most("limit", value), "limit")
    refused(lambda: CHECK.count("page", value, least=1), "page")
    refused(lambda: CHECK.rubric(value), "rubric")


def test_one_text_or_no_collection_is_not_several() -> None:
    """`nodes("abc")` would else look for the nodes a, b and c."""
    assert "list" in refused(lambda: CHECK.node_ids("abc"), "node_ids")
    assert "list" in refused(lambda: CHECK.fields("score"), "fields")
    refused(lambda: CHECK.node_ids(5), "node_ids")
    refused(lambda: CHECK.fields(5), "fields")


def test_other_kinds() -> None:
    refused(lambda: CHECK.flag("descending", 1), "descending")
    refused(lambda: CHECK.judge(""), "judge")
    refused(lambda: CHECK.judge("j@" * 129), "judge")
    assert "judge_name" in refused(lambda: CHECK.judge("j"), "judge")
    refused(lambda: CHECK.judge(None), "judge")
    unsaved = Rubric(principles=(Principle(key="a"),))
    assert "rubrics.save" in refused(lambda: CHECK.rubric(unsaved), "rubric")
    refused(lambda: CHECK.count("page", 0, least=1), "page")


def test_what_is_right_comes_back_plain() -> None:
    assert CHECK.node_ids(iter(["b", "a", "b"])) == ["b", "a"]
    assert CHECK.under(None) is None
    assert CHECK.fields(None) == FIELDS
    assert CHECK.fields({"score", "content"}) == ("id", "content", "score")
    assert CHECK.fields([]) == ("id",)
    assert CHECK.status(None) is None
    assert type(CHECK.status(NodeStatus.FAILED)) is type(CHECK.status("failed")) is str
    assert CHECK.at_most("limit", 0) == 0
    assert CHECK.at_most("limit", 2**63 - 1) == 2**63 - 1
    assert CHECK.rubric(3) == 3
    assert CHECK.judge("zoë@1") == "zoë@1"
