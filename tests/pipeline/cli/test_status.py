import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.recipe import load_recipe
from pipeline.run_directory import claimed_run

Noldo = Callable[..., Any]


def test_a_finished_build(noldo: Noldo, noldo_here: Noldo, small_run: tuple[Path, Any]) -> None:
    out, built = small_run
    told = noldo("status", out, "--json")
    assert told.status == 0, told.err
    plain = told.json
    assert (plain["running"], plain["why_ended"]) == (False, "finished")
    assert {s["stage"]: (s["done"], s["total"]) for s in plain["stages"]}["quality"] == (7, 7)
    assert [(s["stage"], s["kept"]) for s in plain["funnel"]] == [(s["stage"], s["kept"]) for s in built.json["funnel"]]
    assert [s["reasons"] for s in plain["funnel"]] == [s["reasons"] for s in built.json["funnel"]]
    assert plain["requests"] == sum(t["requests"] for t in built.json["tallies"].values())
    assert plain["received_bytes"] == sum(t["received_bytes"] for t in built.json["tallies"].values())
    assert plain["compute"]["spent_eecu_hours"] > 0
    screen = noldo_here("status", out).out
    assert "Not running; finished" in screen
    assert "lacking in season" in screen


def test_a_build_that_runs_holds_its_folder(
    noldo: Noldo, noldo_here: Noldo, small_recipe: Path, tmp_path: Path
) -> None:
    with claimed_run(tmp_path / "run", load_recipe(small_recipe), remake=False):
        assert noldo("status", tmp_path / "run", "--json").json["running"] is True
    told = noldo_here("status", tmp_path / "run")
    assert told.status == 0, told.err
    assert "Not running; no run has been written down here" in told.out


def test_a_folder_that_is_no_run(noldo_here: Noldo, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        ended = noldo_here("status", folder)
        assert ended.status == 2
        assert ended.err.startswith("noldo: ")
        assert "holds no run" in ended.err
        assert len(ended.err.splitlines()) == 1


def test_status_loads_neither_dask_nor_the_client_nor_torch(tmp_path: Path) -> None:
    import subprocess
    import sys

    (tmp_path / "recipe.yaml").write_text("name: nol\nsource: {kind: emulator}\nsample: {count: 2}\n")
    (tmp_path / "events.jsonl").write_text(json.dumps({"time": "2026-04-01T12:00:00.000+00:00", "event": "start"}))
    code = (
        "import sys; from pipeline.cli.main import noldo\n"
        f"noldo.main(['status', {str(tmp_path)!r}], standalone_mode=False)\n"
        "heavy = {'dask', 'distributed', 'ee', 'torch', 'zarr', 'pandas', 'pyarrow', 'pyproj'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
