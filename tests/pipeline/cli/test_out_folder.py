from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RECIPES = Path(__file__).parents[3] / "recipes"


@pytest.mark.parametrize(
    ("command", "recipe", "more"),
    [
        ("pretrain", "demo.yaml", ("--store", "{run}")),
        ("transfer", "transfer-demo.yaml", ("--store", "{run}")),
        ("robustness", "robustness-demo.yaml", ("--store", "{run}")),
        ("pseudo-label", "pseudo-label-demo.yaml", ("--store", "{run}")),
        ("compare", "compare-demo.yaml", ()),
    ],
)
def test_the_folder_of_a_build_is_refused_and_left_as_it_was(
    noldo_here: Callable[..., Any], small_run: tuple[Path, Any], command: str, recipe: str, more: tuple[str, ...]
) -> None:
    run, _ = small_run
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()}
    ended = noldo_here(command, RECIPES / recipe, "--out", run, *(word.format(run=run) for word in more))
    assert ended.status == 2, ended.err
    assert f"{run} holds a build; give --out a folder of its own" in ended.err
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*") if path.is_file()} == before
