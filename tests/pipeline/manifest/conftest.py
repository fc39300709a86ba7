"""A packed run with its manifest written."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.funnel import judged_step
from pipeline.funnel_step import sample_step
from pipeline.manifest.pretraining_manifest import write_pretraining_manifest
from pipeline.manifest.write import ManifestRecord
from pipeline.parts import write_part
from pipeline.schema.records import ExportRecord, Location, QualityRecord, SeasonMatch, ShardRecord, Verdict

RECIPE = {"name": "nol", "source": {"kind": "emulator", "seed": 3}, "store": {"shard_rows": 2}}


@pytest.fixture(scope="session")
def write() -> Callable[..., ManifestRecord]:
    """(packed run, **replaced records) -> write its tables, and from them its manifest."""

    def call(packed: Any, **changed: Any) -> ManifestRecord:
        run = packed.run
        tables = {name: changed.pop(name, getattr(packed, name)) for name in ("locations", "matches", "quality")}
        shards = changed.pop("shards", packed.shards)
        verdicts = [Verdict(place.location_id, kept=True, reason="", detail="") for place in tables["locations"]]
        exported = [ExportRecord(place.location_id, at, None, "") for at, place in enumerate(tables["locations"])]
        write_part(run.table("sample", 0), Location, tables["locations"], "i")
        write_part(run.table("match", 0), SeasonMatch, tables["matches"], "i")
        write_part(run.table("seasons", 0), Verdict, verdicts, "i")
        write_part(run.table("export", 0), ExportRecord, exported, "i")
        write_part(run.table("quality", 0), QualityRecord, tables["quality"], "i")
        for shard in shards:
            write_part(run.table("pack", shard.shard), ShardRecord, [shard], "i")
        funnel = (sample_step(len(verdicts)), judged_step("seasons", verdicts), judged_step("quality", packed.quality))
        arguments = {
            "parts": 1,
            "shards": len(shards),
            "funnel": funnel,
            "provenance": {"inputs": "manifest-inputs", "recipe": RECIPE, "recipe_digest": "recipe-sha"},
        }
        return write_pretraining_manifest(run, "nol", packed.rows, **(arguments | changed))

    return call


@pytest.fixture
def described(packed: Any, write: Callable[..., ManifestRecord]) -> Any:
    """The packed run of five locations, with its manifest."""
    write(packed)
    return packed


@pytest.fixture(scope="session")
def ours(
    make_packed: Callable[..., Any], write: Callable[..., ManifestRecord], tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """A packed run of five locations with its manifest, made once: change nothing in it."""
    packed = make_packed(tmp_path_factory.mktemp("ours") / "run")
    write(packed)
    return packed
