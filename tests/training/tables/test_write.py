import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.schema.errors import UsageError
from training.tables import Pairing, write_tables

WriteRun = Callable[..., Path]

FILES = ["tables.md", "tables.tex", "tables.html", "results.csv", "seeds.csv", "differences.csv", "tables.json"]


def test_every_format_is_written_and_says_what_is_published(write_run: WriteRun, tmp_path: Path) -> None:
    for name, scores in {"random": (0.2, 0.25, 0.3), "CromSS-midF": (0.4, 0.5, 0.6)}.items():
        write_run(f"runs/{name}", name, *scores)
    made = write_tables([tmp_path / "runs"], tmp_path / "out", Pairing())
    assert [path.name for path in made.files] == FILES
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(FILES)
    for name in FILES[:3]:
        text = (tmp_path / "out" / name).read_text()
        assert "arXiv 2405.01217" in text
        assert "paper, full set" in text
        assert "ours, 12 + 4 tiles, 3 seeds" in text
    assert "+25.00 [+12.58, +37.42]" in (tmp_path / "out" / "tables.md").read_text()
    plain = json.loads((tmp_path / "out" / "tables.json").read_text())
    assert made.as_json() == {**plain, "files": [str(path) for path in made.files]}
    keys = [table["key"] for table in plain["tables"]]
    assert keys[:5] == ["transfer-dfc2020", "transfer-dw", "transfer-osm", "ablation", "label-smoothing"]
    assert "differences-dw" in keys


def test_the_same_runs_give_the_same_files_and_tables_are_no_runs(write_run: WriteRun, tmp_path: Path) -> None:
    for share in (0.5, 1.0):
        write_run(f"runs/{share}", "random", 0.2, 0.3, train_share=share)
    out = tmp_path / "runs" / "tables"
    write_tables([tmp_path / "runs"], out, Pairing())
    first = {path.name: path.read_bytes() for path in out.iterdir()}
    write_tables([tmp_path / "runs"], out, Pairing())
    assert {path.name: path.read_bytes() for path in out.iterdir()} == first


def test_what_a_reader_must_know_is_said(write_run: WriteRun, tmp_path: Path) -> None:
    (tmp_path / "manifest").mkdir()
    (tmp_path / "manifest" / "provenance.json").write_text('{"emulated": true}')
    for folder, epochs in (("a", 5), ("b", 50)):
        path = write_run(folder, "random", 0.2, 0.3)
        record = {"test": {"digest": "x", "path": str(tmp_path / "store" / "t.zarr")}, "settings": {"epochs": epochs}}
        (path / "transfer.json").write_text(json.dumps(record))
    (write_run("c", "midF", 0.1) / "result.json").unlink()
    made = write_tables([tmp_path], tmp_path / "out", Pairing())
    notices = "\n".join(made.notices)
    assert f"{tmp_path / 'c'} holds an unfinished run" in notices
    assert "2 runs are random (13B), frozen, on the same tiles" in notices
    assert "differ in epochs" in notices
    assert "say nothing about real land" in notices
    assert "No two runs could be paired" in notices
    words = [row.words for table in made.tables for row in table.rows if row.origin == "ours"]
    assert any("ours, emulated, 12 + 4 tiles, 2 seeds" in row for row in words)
    assert any(f"random (13B) in {tmp_path / 'a'}" in row for row in words)


def test_nothing_is_written_where_a_name_is_unknown(write_run: WriteRun, tmp_path: Path) -> None:
    write_run("runs/a", "random", 0.2)
    with pytest.raises(UsageError, match="no row is called"):
        write_tables([tmp_path / "runs"], tmp_path / "out", Pairing(against=("nobody",)))
    assert not (tmp_path / "out").exists()
