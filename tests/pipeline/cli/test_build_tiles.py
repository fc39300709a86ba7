"""`noldo build`, `plan` and `status` of a recipe of kind dw: one plain line for whatever is wrong."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli.main import noldo as command
from pipeline.schema.errors import UsageError


def run(*arguments: object) -> str:
    done = CliRunner().invoke(command, [str(one) for one in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["experts.folder=absent"], "absent is no folder"),
        (["kind=wd"], "kind is 'wd'"),
        (["fetch.concurency=3"], "unknown key 'fetch.concurency'; did you mean 'concurrency'?"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_told(dw_recipe: Path, tmp_path: Path, settings: list[str], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        run("build", dw_recipe, "--out", tmp_path / "run", *[a for s in settings for a in ("--set", s)])
    assert told in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_stage_of_another_kind_of_build_is_refused(dw_recipe: Path, small_recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="match is no stage of this recipe; give one of tiles, pair, fetch, pack"):
        run("build", dw_recipe, "--out", tmp_path / "run", "--until", "match")
    with pytest.raises(UsageError, match="--until fetch is no stage of this recipe; give one of sample, match"):
        run("build", small_recipe, "--out", tmp_path / "run", "--until", "fetch")


def test_a_folder_of_another_kind_of_build_is_left_alone(
    dw_recipe: Path, small_run: tuple[Path, Any], dw_run: Path, small_recipe: Path
) -> None:
    for recipe, out in ((dw_recipe, small_run[0]), (small_recipe, dw_run)):
        before = (out / "recipe.yaml").read_bytes()
        with pytest.raises(UsageError, match="another kind of recipe"):
            run("build", recipe, "--out", out, "--remake")
        assert (out / "recipe.yaml").read_bytes() == before


def test_status_and_plan_speak_of_tiles(dw_recipe: Path, dw_run: Path) -> None:
    told = run("status", dw_run)
    assert "recipe 'dw' of kind dw, source emulator" in told
    assert "Not running; finished" in told
    assert "paired with S2 and S1" in told
    assert "\nTiles\n" in told
    assert "the files in 'experts'" in run("plan", dw_recipe)
