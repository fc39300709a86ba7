"""`noldo pretrain`: which store is meant, and what is said of a run that was stopped."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli.pretrain import find_store, pretrain
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import PretrainLayout, RunLayout

RECIPE = Path(__file__).parents[3] / "recipes" / "pretrain-cromss-mid.yaml"


def test_a_store_is_named_or_the_only_one_of_its_run(tmp_path: Path) -> None:
    store = tmp_path / "run" / "store" / "nol.zarr"
    store.mkdir(parents=True)
    truth = tmp_path / "run" / "diagnostics" / "truth.zarr"
    assert find_store(store) == (store, truth) == find_store(tmp_path / "run")
    (store.parent / "other.zarr").mkdir()
    with pytest.raises(UsageError, match=r"expected one store in .*, found nol\.zarr, other\.zarr"):
        find_store(tmp_path / "run")
    with pytest.raises(UsageError, match=r"there is no .*store/\*\.zarr; name the folder"):
        find_store(tmp_path)


@pytest.mark.parametrize("saved", [True, False])
def test_a_run_that_was_stopped_says_how_it_goes_on(
    saved: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = PretrainLayout(tmp_path / "out")

    def stop(*arguments: Any, **options: Any) -> None:
        if saved:
            layout.root.mkdir()
            layout.checkpoint.touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("pipeline.cli.pretraining.run_pretraining", stop)
    store = tmp_path / "nol.zarr"
    ended = CliRunner().invoke(pretrain, [str(RECIPE), "--store", str(store), "--out", str(layout.root)])
    assert ended.exit_code == 1
    assert ("--resume goes on with it" in " ".join(ended.stderr.split())) is saved


def test_the_folder_of_a_build_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "store" / "nol.zarr").mkdir(parents=True)
    RunLayout(tmp_path).events.write_text("")
    ended = CliRunner().invoke(pretrain, [str(RECIPE), "--store", str(tmp_path), "--out", str(tmp_path)])
    assert isinstance(ended.exception, UsageError)
    assert f"{tmp_path}-pretrain" in str(ended.exception)
    assert not (tmp_path / "run.json").exists()
