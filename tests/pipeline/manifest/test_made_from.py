"""What a manifest is made from: rewritten without any source, and plain words on what is missing."""

import datetime
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.manifest import made_from, provenance
from pipeline.manifest.made_from import MadeFrom, StoredLocation, made_from_inputs, read_made_from
from pipeline.manifest.release import keep_release, released_section, run_release
from pipeline.manifest.write import is_written, write_manifest
from pipeline.parts import read_columns, read_part, write_columns
from pipeline.schema.errors import DamagedError, NoldoError, UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.release import ReleaseSettings

TreeBytes = Callable[[Path], dict[str, bytes]]

DAY = datetime.date(2026, 1, 2)


@pytest.fixture
def run(ours: Any, tmp_path: Path) -> RunLayout:
    """A finished run without its raw pixels."""
    shutil.copytree(ours.run.root, tmp_path / "run", ignore=shutil.ignore_patterns("tiles"))
    return RunLayout(tmp_path / "run")


def test_a_manifest_is_made_again_from_tables_alone(run: RunLayout, ours: Any, tree_bytes: TreeBytes) -> None:
    for lost in (run.manifest, *run.root.glob("store/*.zarr/*/c")):
        shutil.rmtree(lost)
    made = write_manifest(run)
    assert is_written(run, made_from_inputs(run) or "")
    expected = tree_bytes(ours.run.manifest)
    same = ("index.parquet", "digests.parquet", "assets.parquet", "dropped.parquet", "statistics.json", "funnel.json")
    found = tree_bytes(run.manifest)
    assert {name: found[name] for name in same} == {name: expected[name] for name in same}
    assert f'"{made.dataset_digest}"'.encode() in expected["provenance.json"]


def test_only_the_date_tells_two_days_apart(run: RunLayout, tree_bytes: TreeBytes) -> None:
    trees = []
    for day in (DAY, DAY + datetime.timedelta(1)):
        write_manifest(run, today=day)
        tree = tree_bytes(run.manifest)
        tree.pop("manifest-sha256.txt")
        trees.append({name: data.replace(day.isoformat().encode(), b"DAY") for name, data in tree.items()})
    assert trees[0] == trees[1]
    assert b"DAY" in trees[0]["provenance.json"]


def test_a_release_is_another_manifest_of_the_same_content(run: RunLayout) -> None:
    inputs = made_from_inputs(run) or ""
    before = write_manifest(run)
    run.recipe.write_text("name: nol\n")
    assert is_written(run, inputs)
    release = ReleaseSettings(version="1.0.0", date=DAY, title="Ours")
    keep_release(run, release)
    assert (run_release(run), released_section(run)["version"]) == (release, "1.0.0")
    assert yaml.safe_load(run.recipe.read_text())["name"] == "nol"
    assert not is_written(run, inputs)
    assert write_manifest(run).dataset_digest == before.dataset_digest
    assert is_written(run, inputs)
    assert '"date": "2026-01-02"' in (run.manifest / "provenance.json").read_text()
    run.recipe.write_text("release: {versoin: 1.0.0}\n")
    with pytest.raises(UsageError, match=r"unknown key 'release.versoin'; did you mean 'version'"):
        run_release(run)


def test_a_manifest_written_again_tells_of_the_software_that_made_the_pixels(
    run: RunLayout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update of the program made none of them, nor would it make the same bytes."""

    def told() -> Any:
        return json.loads((run.manifest / "provenance.json").read_text())

    before = told()
    newer = {"code": {"commit": "newer"}, "environment": {"python": "4.0.0"}}
    for module in (made_from, provenance):
        monkeypatch.setattr(module, "software", lambda: newer)
    (made,) = read_part(run.table("manifest", 0), MadeFrom)
    rows, dropped = (read_columns(run.table(name, 0)) for name in (made_from.ROWS, made_from.DROPPED))
    stored = [StoredLocation(**row) for row in rows.to_pylist()]
    made_from.keep_made_from(run, replace(made, made_with=""), stored, dropped)  # as a build does for another release
    write_manifest(run)
    assert {name: told()[name] for name in newer} == {name: before[name] for name in newer}
    made_from.keep_made_from(run, replace(made, inputs="another data set"), stored, dropped)
    write_manifest(run)
    assert {name: told()[name] for name in newer} == newer
    # A run that an earlier version finished tells of none.
    older = read_columns(run.table("manifest", 0)).drop_columns("made_with")
    write_columns(run.table("manifest", 0), older, "another data set")
    write_manifest(run)
    assert {name: told()[name] for name in newer} == newer


@pytest.mark.parametrize("table", ["sample", "match", "quality", "manifest_dropped"])
def test_tables_of_a_build_begun_later_are_not_put_beside_the_pixels(
    run: RunLayout, table: str, tree_bytes: TreeBytes
) -> None:
    """As --remake with other seasons and --until match leaves them: same locations, same store, other scenes."""
    before = tree_bytes(run.manifest)
    write_columns(run.table(table, 0), read_columns(run.table(table, 0)), "of another recipe")
    with pytest.raises(NoldoError, match="holds tables of another build than"):
        write_manifest(run)
    assert tree_bytes(run.manifest) == before
    run.table(table, 0).write_bytes(b"PAR1")
    with pytest.raises(DamagedError, match=rf"tables/{table}/part-00000\.parquet cannot be read"):
        write_manifest(run)


def test_what_is_missing_is_named(run: RunLayout) -> None:
    table = run.table("match", 0)
    kept = table.read_bytes()
    table.unlink()
    with pytest.raises(NoldoError, match=r"tables/match/part-00000\.parquet is not there"):
        read_made_from(run)
    table.write_bytes(kept)
    marker = run.root / "store" / ".nol.zarr.inputs"
    marker.write_text("another")
    with pytest.raises(NoldoError, match="is not the store that"):
        read_made_from(run)
    run.table("manifest", 0).unlink()
    with pytest.raises(NoldoError, match="the run is not finished, or an earlier version finished it"):
        read_made_from(run)
    assert made_from_inputs(run) is None
    shutil.rmtree(run.root / "tables")
    with pytest.raises(NoldoError, match="it is a published copy or no run"):
        read_made_from(run)
