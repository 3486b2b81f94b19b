"""A judge's name says everything that makes it another judge."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import sapwood
from sapwood import ValidationError, judge_name
from sapwood.judges import check_judge

PROMPT = "How close is it to 24?\nAnswer with a number; «ça» counts.\n"


def test_a_version_alone_stands_in_the_name() -> None:
    assert judge_name("closeness", version=1) == "closeness@1"
    assert judge_name("closeness", version="2026-11") == "closeness@2026-11"


def test_the_names_of_today_are_those_of_every_release() -> None:
    """Another name for the same judge would have every score paid for again."""
    assert judge_name("gpt-4o", temperature=0.2, prompt=PROMPT) == GOLDEN["gpt-4o"]
    assert (
        judge_name("m", version=1, n=[1, 1e-7, 2.5e300, None, True], d={"b": {}, "a": ""})
        == (GOLDEN["m"])
    )


def test_neither_order_nor_process_nor_the_kind_of_a_number_matters() -> None:
    one = judge_name("m", temperature=0, top_p=1.0, stop=["a", "b"], more={"x": 1, "y": 2})
    assert one == judge_name("m", more={"y": 2, "x": 1}, stop=("a", "b"), top_p=1, temperature=-0.0)
    program = (
        "import sapwood; print(sapwood.judge_name('m', top_p=1, temperature=0.0,"
        " more={'x': 1, 'y': 2}, stop=['a', 'b']))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    told = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == one


def test_another_model_prompt_or_temperature_is_another_judge() -> None:
    names = [
        judge_name("m", prompt=PROMPT, temperature=0),
        judge_name("m", prompt=PROMPT, temperature=0.1),
        judge_name("m", prompt=PROMPT + " ", temperature=0),
        judge_name("m", prompt=PROMPT),
        judge_name("m", prompt=PROMPT, temperature=None),
        judge_name("m", prompt=PROMPT, temperature="0"),
        judge_name("m", prompt=PROMPT, temperature=False),
        judge_name("m2", prompt=PROMPT, temperature=0),
        judge_name("m", prompt=PROMPT, temperature=0, version=1),
        judge_name("m", stop=["a", "b"]),
        judge_name("m", stop=["b", "a"]),
        judge_name("m", version=1),
    ]
    assert len(set(names)) == len(names)
    assert [check_judge("test", name) for name in names] == names


def test_a_name_that_says_nothing_or_cannot_be_stored_is_refused() -> None:
    with pytest.raises(ValidationError, match="version=1"):
        judge_name("closeness")
    with pytest.raises(ValidationError, match="name"):
        judge_name("", version=1)
    for version in (None, True, "", ["1"]):
        with pytest.raises(ValidationError, match="version"):
            judge_name("m", version=version)
    for seed in (float("nan"), object(), {1: 2}, "\ud800"):
        with pytest.raises(ValidationError, match="parameters"):
            judge_name("m", seed=seed)
    with pytest.raises(ValidationError, match="at most 256"):
        judge_name("m" * 256, version=1)


@pytest.mark.parametrize("judge", ["", "j", "j@", "@1", "j@" * 129, "a\0b@1", "\ud800@1", 1, None])
def test_a_judge_without_a_version_is_refused(judge: object) -> None:
    with pytest.raises(ValidationError) as caught:
        check_judge("test", judge)
    assert caught.value.field == "judge"


def test_the_refusal_says_how_to_make_one() -> None:
    with pytest.raises(ValidationError, match=r"sapwood\.judge_name\(name, version=1\)"):
        check_judge("test", "closeness")
    assert sapwood.judge_name is judge_name


GOLDEN = {
    "gpt-4o": "gpt-4o@sha256-167add506a62d6f7",
    "m": "m@sha256-e2fab9c002e18086",
}


def test_a_version_is_the_same_number_whole_or_not() -> None:
    assert judge_name("a", version=1.0) == judge_name("a", version=1) == "a@1"
    assert judge_name("a", version=1.5) == "a@1.5"
    with pytest.raises(ValidationError, match="version"):
        judge_name("a", version=float("nan"))
