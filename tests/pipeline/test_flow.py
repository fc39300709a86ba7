"""Whole builds, as a user starts them: the real command, a real Dask cluster, the real client over HTTP."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pyarrow.parquet as pq
import pytest

from pipeline.manifest.checksums import verify_checksums
from pipeline.manifest.digest import digest_run
from pipeline.parts import read_part
from pipeline.recipe import load_recipe
from pipeline.run_directory import claimed_run
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import Location

Noldo = Callable[..., Any]
"""Runs `noldo ARGUMENTS...` to its end, see tests/conftest.py."""

TreeBytes = Callable[[Path], dict[str, bytes]]
"""All files of a folder by relative path, see conftest.py."""

REAL = Path(os.environ.get("NOLDO_REAL", Path(__file__).parents[3] / "shared" / "real"))


def digest(run: Path) -> str:
    return digest_run(RunLayout(run)).dataset


def test_a_build_leaves_what_it_says(noldo: Noldo, small_run: tuple[Path, Any]) -> None:
    out, ended = small_run
    run = RunLayout(out)
    steps = {step["stage"]: step for step in ended.json["funnel"]}
    assert steps["sample"]["kept"] == 7
    kept = steps["quality"]["kept"]
    assert 2 <= kept < 7
    assert len(gpd.read_parquet(run.index)) == 4 * kept
    told = noldo("manifest", "digest", out, "--json")
    assert told.status == 0, told.err
    assert ended.json["content_digest"] == told.json["dataset"] == digest(out)
    assert 0.5 < ended.json["label_agreement"] < 0.9
    assert run.report.stat().st_size > 10_000


def test_locations_are_matched_together_and_fetched_in_one_request(small_run: tuple[Path, Any]) -> None:
    out, _ = small_run
    events = [json.loads(line) for line in RunLayout(out).events.read_text().splitlines()]
    requests = Counter(e["stage"] for e in events if e["event"] == "attempt")
    wanted = {e["location_id"] for e in events if e["event"] == "attempt" and e["stage"] == "export"}
    assert requests["export"] == len(wanted)
    assert requests["match"] <= 2 * 3  # three parts, each with at most one more request for the fall-back year


def test_the_second_time_there_is_nothing_to_do(
    noldo: Noldo, small_run: tuple[Path, Any], small_recipe: Path, tmp_path: Path
) -> None:
    reference, _ = small_run
    out = tmp_path / "run"
    shutil.copytree(reference, out)
    before = {p: p.stat().st_mtime_ns for p in (out / "store").rglob("*") if p.is_file()}
    again = noldo("build", small_recipe, "--out", out, "--workers", 2)
    assert again.status == 0, again.err
    assert "Nothing to do" in again.out
    assert {p: p.stat().st_mtime_ns for p in (out / "store").rglob("*") if p.is_file()} == before


def test_other_workers_and_other_parts_give_the_same_data(
    noldo: Noldo,
    small_run: tuple[Path, Any],
    small_recipe: Path,
    tmp_path: Path,
    small_planet_url: str,
    build_here: Any,
    tree_bytes: TreeBytes,
) -> None:
    reference, _ = small_run
    parts, url = "part_locations=5", f"source.url={small_planet_url}"
    arguments = ("--workers", 1, "--until", "pack", "--set", parts, "--set", url)
    ended = noldo("build", small_recipe, "--out", tmp_path, *arguments)
    assert ended.status == 0, ended.err
    _, ledger = build_here(tmp_path, small_planet_url, parts)
    assert {stage for stage, tally in ledger.tallies.items() if tally.parts_made} == {"manifest"}
    assert digest(tmp_path) == digest(reference)
    assert tree_bytes(tmp_path / "manifest") == tree_bytes(reference / "manifest")


def test_another_seed_gives_other_data(
    small_run: tuple[Path, Any], tmp_path: Path, small_planet_url: str, build_here: Callable[..., Any]
) -> None:
    reference, _ = small_run
    build_here(tmp_path, small_planet_url, "sample.seed=2")
    places, others = (gpd.read_parquet(RunLayout(run).index)["geometry"] for run in (reference, tmp_path))
    assert len(others) > 0
    assert set(places.to_wkb()).isdisjoint(others.to_wkb())
    assert digest(tmp_path) != digest(reference)


def test_the_funnel_counts_what_was_dropped(small_run: tuple[Path, Any]) -> None:
    manifest = RunLayout(small_run[0]).manifest
    steps = json.loads((manifest / "funnel.json").read_text())["steps"]
    told = {(step["stage"], why): count for step in steps for why, count in step["dropped"].items()}
    dropped = pq.read_table(manifest / "dropped.parquet").to_pylist()
    assert Counter((row["stage"], row["reason"]) for row in dropped) == told
    assert sum(told.values()) == steps[0]["entered"] - steps[-1]["kept"] > 0
    kept = set(gpd.read_parquet(manifest / "index.parquet")["location_id"])
    assert not kept & {row["location_id"] for row in dropped}
    assert len(kept) + len(dropped) == 7


def test_a_release_is_called_something_and_later_builds_leave_that(
    noldo: Noldo, small_run: tuple[Path, Any], small_recipe: Path, tmp_path: Path, tree_bytes: TreeBytes
) -> None:
    out, recipe = tmp_path / "run", tmp_path / "small.yaml"
    shutil.copytree(small_run[0], out)
    before = digest(out)
    told = noldo("manifest", "write", out, "--set", "release.version=1.2.0", "--json")
    assert told.status == 0, told.err
    assert (told.json["version"], told.json["content_digest"]) == ("1.2.0", before)
    assert verify_checksums(RunLayout(out)).ok
    written = tree_bytes(out / "manifest")
    assert json.loads(written["provenance.json"])["release"]["date"] == "2026-01-02"
    said = small_recipe.read_text()
    recipe.write_text(said.replace("release: {date: 2026-01-02}", ""))
    silent = noldo("build", recipe, "--out", out, "--workers", 1)
    assert silent.status == 0, silent.err
    assert "Nothing to do" in silent.out
    assert tree_bytes(out / "manifest") == written
    refused = noldo("manifest", "write", out, "--set", "store.seed=1")
    assert (refused.status, tree_bytes(out / "manifest")) == (2, written)


NOTHING = {"sample": 0, "match": 0, "seasons": 0, "export": 0, "quality": 0, "pack": 0, "manifest": 0}


@pytest.mark.parametrize(
    ("lost", "made"),
    [
        (["tables/export/part-00001.parquet", "manifest"], {"export": 1, "manifest": 1}),
        (["tiles/part-00000.zarr", "tables/quality/part-00001.parquet"], {"export": 1, "quality": 1}),
        (["store/nol.zarr/s1/c/0"], {"pack": "all"}),
        (["tables/pack/part-00001.parquet"], {"pack": "all"}),
    ],
)
def test_what_is_lost_is_made_again_and_nothing_else(
    small_run: tuple[Path, Any],
    tmp_path: Path,
    small_planet_url: str,
    build_here: Callable[..., Any],
    lost: list[str],
    made: dict[str, Any],
) -> None:
    reference, first = small_run
    out = tmp_path / "run"
    shutil.copytree(reference, out)
    for name in lost:
        path = out / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    _, ledger = build_here(out, small_planet_url)
    shards = first.json["tallies"]["pack"]["parts_made"]
    expected = NOTHING | {stage: shards if n == "all" else n for stage, n in made.items()}
    made_now = {stage: tally.parts_made for stage, tally in ledger.tallies.items() if stage != "connect"}
    assert made_now == expected
    assert digest(out) == digest(reference)


def test_a_build_under_another_name_leaves_no_store_of_the_old_one(
    small_run: tuple[Path, Any],
    small_recipe: Path,
    tmp_path: Path,
    small_planet_url: str,
    build_here: Callable[..., Any],
) -> None:
    reference, _ = small_run
    out = tmp_path / "run"
    shutil.copytree(reference, out)
    with claimed_run(out, load_recipe(small_recipe, ["name=other"]), remake=True):
        pass
    _, ledger = build_here(out, small_planet_url, "name=other")
    assert {stage for stage, tally in ledger.tallies.items() if tally.parts_made} == {"pack", "manifest"}
    assert sorted(path.name for path in (out / "store").iterdir()) == [".other.zarr.inputs", "other.zarr"]
    assert digest(out) == digest(reference)


def test_a_larger_data_set_keeps_what_the_smaller_one_asked_for(
    small_run: tuple[Path, Any], small_recipe: Path, tmp_path: Path, small_planet_url: str, build_here: Any
) -> None:
    reference, _ = small_run
    out = tmp_path / "run"
    shutil.copytree(reference, out)
    recipe = load_recipe(small_recipe)
    count, size = recipe.sample.count or 0, recipe.part_locations
    assert count % size, "the last part is not full: a larger number fills it, and all before it stay"
    more = f"sample.count={count + 1}"
    with pytest.raises(UsageError, match=r"another recipe: sample.count changed"):
        build_here(out, small_planet_url, more)
    with claimed_run(out, load_recipe(small_recipe, [more]), remake=True):
        pass
    _, ledger = build_here(out, small_planet_url, more)
    for stage in ("match", "seasons", "export", "quality"):
        assert (ledger.tallies[stage].parts_made, ledger.tallies[stage].parts_reused) == (1, count // size), stage
    fewer = f"sample.count={count - count % size}"
    with claimed_run(out, load_recipe(small_recipe, [fewer]), remake=True):
        pass
    _, ledger = build_here(out, small_planet_url, fewer)
    assert ledger.tallies["match"].parts_made == 0


def test_until_stops_and_the_next_build_goes_on(
    noldo: Noldo,
    small_run: tuple[Path, Any],
    small_recipe: Path,
    tmp_path: Path,
    small_planet_url: str,
    build_here: Any,
) -> None:
    reference, _ = small_run
    url = f"source.url={small_planet_url}"
    first = noldo("build", small_recipe, "--out", tmp_path, "--workers", 1, "--until", "seasons", "--set", url)
    assert first.status == 0, first.err
    assert not (tmp_path / "tiles").exists()
    _, ledger = build_here(tmp_path, small_planet_url)
    assert ledger.tallies["match"].parts_made == 0
    assert digest(tmp_path) == digest(reference)


@pytest.mark.skipif(not REAL.exists(), reason="the folder of real data is not here")
def test_real_places_dates_and_zones(noldo: Noldo, tmp_path: Path) -> None:
    recipe = tmp_path / "listed.yaml"
    listed = REAL / "ssl4eo_s12_v1.1_locations.parquet"
    recipe.write_text(
        f"sample: {{from: {listed}, limit: 4}}\nsource: {{kind: emulator, seed: 7}}\nseasons: {{anchors: listed}}\n"
        "quality: {dw_min_valid_share: 0}\n"
    )
    ended = noldo("build", recipe, "--out", tmp_path / "run", "--workers", 1, "--json")
    assert ended.status == 0, ended.err
    run = RunLayout(tmp_path / "run")
    index = gpd.read_parquet(run.index)
    real = gpd.read_parquet(listed)
    assert len(index) >= 8
    for row in index.itertuples():
        published = real[(real.sample_id == row.location_id) & (real.time_id == row.season)].iloc[0]
        assert row.s2_datetime.tz_convert(None) == published.time
        assert row.s2_id.endswith(published.tile_id)
    places = {p.location_id: p for p in read_part(run.table("sample", 0), Location)}
    assert len(places) == 4
    assert all(row.epsg == places[row.location_id].grid.epsg for row in index.itertuples())
