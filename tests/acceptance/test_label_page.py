"""The program of `docs/how-to/label-and-compare-judges.md` runs as it stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .programs import program, run

if TYPE_CHECKING:
    from pathlib import Path

    from sapwood.servers import Endpoints

PAGE = "docs/how-to/label-and-compare-judges.md"


def test_the_program_of_the_page_labels_and_compares(
    servers: Endpoints, tmp_path: Path, project_id: str
) -> None:
    printed = run(program(PAGE, "hello-labels", project_id), servers, tmp_path)
    of_principle, whole, exported = printed
    judge, key, count, spearman, kappa = of_principle.split()
    assert (judge, key, count) == ("llm@1", "closeness", "4")
    assert 0.9 < float(spearman) < 1
    assert 0.5 < float(kappa) < 1
    assert whole == "llm@1 the whole 0 None None"
    assert exported == "4 label(s) in labels.csv"
    assert (tmp_path / "labels.csv").read_text().count("closeness") == 0, "principles by id"
