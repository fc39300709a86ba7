import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from pipeline.cli.report import report
from pipeline.report import MOST, SHOWN
from pipeline.schema.errors import UsageError


def write_run(folder: Path, name: str, miou: Sequence[float]) -> None:
    """A transfer run as `noldo transfer` leaves it."""
    by_class = [[value] for value in miou]
    folder.mkdir(parents=True)
    (folder / "transfer.json").write_text("{}")
    (folder / "result.json").write_text(
        json.dumps(
            {
                "name": name, "dataset": "dw", "input": "S2", "s2_bands": 13, "framework": "deeplabv3+",
                "backbone": "ResNet50", "encoder": "frozen", "load": "encoder", "train_share": 1.0,
                "train_tiles": 12, "test_tiles": 4, "pixels": 100, "seeds": list(range(len(miou))),
                "scores": {metric: list(miou) for metric in ("OA", "AA", "mIoU", "mF1")},
                "per_class": {"names": ["water"], "recall": by_class, "iou": by_class, "f1": by_class},
            }
        )
    )  # fmt: skip


@pytest.fixture
def invoke() -> Callable[..., Any]:
    """Run the command in this process; errors come out as they were raised."""

    def run(*arguments: object) -> Any:
        return CliRunner().invoke(report, list(map(str, arguments)), catch_exceptions=False, standalone_mode=False)

    return run


def test_a_folder_of_transfer_runs_gets_tables(invoke: Callable[..., Any], tmp_path: Path) -> None:
    for name, scores in {"random": (0.2, 0.3), "midF": (0.4, 0.6)}.items():
        write_run(tmp_path / name, name, scores)
    said = invoke(tmp_path).output
    assert "2 transfer runs" in said
    assert str(tmp_path / "tables" / "tables.html") in said
    assert "midF (13B) − random (13B)" in (tmp_path / "tables" / "tables.md").read_text()
    plain = json.loads(invoke(tmp_path, "--json", "--pair", "random", "midF").output)
    differences = next(table for table in plain["tables"] if table["key"] == "differences-dw")
    assert [row["words"][2] for row in differences["rows"]] == ["random (13B) − midF (13B)"]
    assert plain["runs"] == 2


def test_several_folders_need_a_place_for_their_tables(invoke: Callable[..., Any], tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_run(tmp_path / name / "run", name, (0.2, 0.3))
    with pytest.raises(UsageError, match="--out"):
        invoke(tmp_path / "a", tmp_path / "b")
    plain = json.loads(invoke(tmp_path / "a", tmp_path / "b", "--out", tmp_path / "out", "--json").output)
    assert plain["runs"] == 2
    assert (tmp_path / "out" / "tables.tex").is_file()


def test_a_build_gets_its_page_and_only_with_options_of_tables_those(
    invoke: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "recipe.yaml").write_text("kind: dw\n")
    write_run(tmp_path / "transfer" / "run", "random", (0.2, 0.3))
    asked: list[int] = []
    monkeypatch.setattr("pipeline.report.write_report", lambda run, title, samples: asked.append(samples) or run.report)
    assert invoke(tmp_path).output == f"{tmp_path / 'report.html'}\n"
    assert json.loads(invoke(tmp_path, "--json").output) == {"report": str(tmp_path / "report.html")}
    invoke(tmp_path, "--samples", MOST)
    assert asked == [SHOWN, SHOWN, MOST]
    with pytest.raises(click.BadParameter, match=str(MOST)):
        invoke(tmp_path, "--samples", MOST + 1)
    assert f"[{SHOWN}]" in invoke("--help").output
    assert not (tmp_path / "tables").exists()
    assert "1 transfer run," in invoke(tmp_path, "--out", tmp_path / "out").output
    with pytest.raises(UsageError, match="--samples is about the page of a build"):
        invoke(tmp_path, "--out", tmp_path / "out", "--samples", 3)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: None])
def test_a_folder_that_is_neither_is_refused_in_plain_words(
    invoke: Callable[..., Any], tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "other")
    with pytest.raises(UsageError, match="holds neither the run of a build nor transfer runs"):
        invoke(tmp_path / "other")


def test_object_storage_without_a_build_is_refused(invoke: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.report.is_run", lambda run: False)
    with pytest.raises(UsageError, match="transfer runs lie on a disk"):
        invoke("s3://bucket/run")
