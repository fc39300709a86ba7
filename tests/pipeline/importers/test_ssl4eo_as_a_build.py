"""The whole import of SSL4EO-S12 v1 with NoLDO-S12's labels, against the build that the files were written from."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import zarr

from pipeline import import_flow
from pipeline.cli.build_options import BuildOptions
from pipeline.cli.import_run import run_import
from pipeline.import_flow import ImportJob, finished_funnel, first_part_inputs, import_files, problems_of
from pipeline.import_recipe import ImportRecipe, fingerprint
from pipeline.importers.imported import Imported
from pipeline.ledger import Ledger
from pipeline.manifest.digest import digest_run
from pipeline.report import write_report
from pipeline.run_directory import Claim, claimed
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.landcover import IGNORE
from pipeline.schema.layout import RunLayout
from pipeline.schema.strict import validated
from pipeline.staging import tile_rows


class InTurn:
    """Stands in for the Dask cluster: runs every chain here, one after another."""

    def run(self, chains: Iterable[Any], on_attempt: Callable[[Any], None]) -> Iterator[Any]:
        """As Crew.run."""
        for chain in chains:
            result = chain.first
            for task in chain.tasks.values():
                result = task(result)
                yield result


def import_here(out: Path, raw: dict[str, Any], until: str = "manifest", *, remake: bool = False) -> Any:
    """(job, ledger, funnel, notes) of an import in this process."""
    recipe = validated(ImportRecipe, {"store": {"shard_rows": 2}, "part_locations": 2, **raw}, "import")
    job = ImportJob(RunLayout(out), recipe, fingerprint(recipe.source.paths()))
    claim = Claim(recipe.canonical(), "sample", first_part_inputs(job), "source", ("source.images", "source.labels"))
    notes: list[str] = []
    with claimed(out, claim, remake=remake) as run:
        ledger = Ledger(run.events, lambda _: None)
        with ledger.run(recipe=recipe.name):
            funnel = import_files(job, cast(Any, InTurn()), ledger, until, notes.append)
    return job, ledger, funnel, notes


@pytest.fixture(scope="module")
def labelled(published: Path) -> dict[str, Any]:
    return {"source": {"kind": "ssl4eo", "images": [str(published)], "labels": str(published / "labels.zip")}}


@pytest.fixture(scope="module")
def whole(labelled: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """An import of everything, made once: change nothing in it."""
    out = tmp_path_factory.mktemp("imported") / "run"
    return out, import_here(out, labelled)


def test_it_has_the_content_digest_of_the_build(whole: tuple[Path, Any], small_run: tuple[Path, Any]) -> None:
    ours, built = (digest_run(RunLayout(folder)) for folder in (whole[0], small_run[0]))
    assert ours.arrays == built.arrays
    assert ours.index == built.index
    assert ours.dataset == built.dataset
    job, _, funnel, notes = whole[1]
    assert [(step.stage, step.entered, step.kept) for step in funnel] == [("import", 6, 6), ("quality", 6, 5)]
    assert notes == []
    assert finished_funnel(job) == funnel


def test_a_second_import_makes_nothing(whole: tuple[Path, Any], labelled: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(whole[0], out)
    _, ledger, funnel, _ = import_here(out, labelled)
    assert ledger.parts_made == 0
    assert funnel == whole[1][2]


def test_a_run_with_a_damaged_table_is_not_finished_and_is_mended(
    whole: tuple[Path, Any], labelled: dict[str, Any], tmp_path: Path
) -> None:
    run = RunLayout(tmp_path / "run")
    shutil.copytree(whole[0], run.root)
    job = replace(whole[1][0], run=run)
    for table in ("quality", "import"):
        path = run.table(table, 0)
        data = bytearray(path.read_bytes())
        footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
        data[4:footer] = bytes(footer - 4)  # what it was made from still reads
        path.write_bytes(data)
        assert finished_funnel(job) is None
        _, _, funnel, notes = import_here(run.root, labelled)
        assert funnel == whole[1][2] == finished_funnel(job)
        assert [note for note in notes if "is damaged and is made again" in note] == [
            f"{path} is damaged and is made again"
        ]


def test_a_killed_import_goes_on_and_a_damaged_part_is_made_again(
    whole: tuple[Path, Any], labelled: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, commit = RunLayout(tmp_path / "run"), import_flow._commit
    committed: list[list[str]] = []

    def killed(layout: RunLayout, base: str, part: int, batch: list[Imported]) -> None:
        if len(committed) == 1:
            import_flow.write_tiles(layout.tile(part), [imported.patch for imported in batch], "half")
            raise KeyboardInterrupt
        commit(layout, base, part, batch)
        committed.append([imported.location.location_id for imported in batch])

    monkeypatch.setattr(import_flow, "_commit", killed)
    with pytest.raises(KeyboardInterrupt):
        import_here(run.root, labelled, "import")
    first = run.table("sample", 0).stat().st_mtime_ns
    monkeypatch.setattr(import_flow, "_commit", commit)
    import_here(run.root, labelled, "import")
    assert run.table("sample", 0).stat().st_mtime_ns == first
    chunk = next(path for path in run.tile(1).rglob("c.1.*") if path.parent.name == "s1")
    chunk.unlink()
    _, ledger, _, _ = import_here(run.root, labelled, "import")
    assert ledger.parts_made == 1
    for part in range(3):
        assert len(tile_rows(run.tile(part)).present) == 2
        for name in ("s2", "s1", "dw"):
            ours, theirs = (
                np.asarray(cast(Any, zarr.open_group(folder / "tiles" / f"part-{part:05d}.zarr")[name]))
                for folder in (run.root, whole[0])
            )
            np.testing.assert_array_equal(ours, theirs)
    assert list(run.tile(0).parent.glob(".import*")) == []


def test_without_labels_the_store_has_none(published: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    for sensor in ("s1", "s2c"):
        place = sorted((published / sensor).iterdir())[1]
        shutil.copytree(place, few / sensor / place.name)
    raw = {"source": {"kind": "ssl4eo", "images": [str(few)]}}
    with pytest.raises(UsageError, match=r"without labels .*dw_min_valid_share can only be 0"):
        import_here(tmp_path / "run", raw)
    job, _, funnel, _ = import_here(tmp_path / "run", {**raw, "quality": {"dw_min_valid_share": 0.0}})
    assert funnel[-1].kept == 1
    assert (np.asarray(cast(Any, zarr.open_group(job.run.store("nol"))["dw"])) == IGNORE).all()
    assert digest_run(job.run).rows == 1
    assert "every pixel of dw is 255" in (job.run.manifest / "README.md").read_text()
    write_report(job.run, title="few")
    page = job.run.report.read_text()
    assert "published files" in page
    assert "'seasons' table" not in page


def test_what_is_left_out_is_told_and_kept(published: Path, labelled: dict[str, Any], tmp_path: Path) -> None:
    few = tmp_path / "few"
    ids = sorted(path.name for path in (published / "s2c").iterdir())
    for sensor in ("s1", "s2c"):
        for location_id in ids[:2]:
            shutil.copytree(published / sensor / location_id, few / sensor / location_id)
    next((few / "s2c" / ids[0]).rglob("B10.tif")).unlink()
    shutil.copytree(few / "s2c" / ids[1], few / "s2c-again" / ids[1])
    raw = {"source": {**labelled["source"], "images": [str(few)]}}
    job, _, funnel, notes = import_here(tmp_path / "run", raw, "import")
    assert funnel[0].reasons == (("no images", 4), ("doubled id", 1), ("missing band", 1))
    assert funnel[0].kept == 1
    (line,) = (note for note in notes if note.startswith(ids[0]))
    assert line.startswith(f"{ids[0]}: missing band: ")
    assert "B10.tif is not there" in line
    assert {problem.location_id for problem in problems_of(job.run)} == {*ids}
    with pytest.raises(UsageError, match="holds a build of another recipe"):
        import_here(tmp_path / "run", {**raw, "source": {**raw["source"], "resampling": "nearest"}}, "import")
    next((few / "s2c" / ids[1]).rglob("B2.tif")).unlink()
    shutil.rmtree(few / "s2c-again")
    with pytest.raises(UsageError, match="content of a file that 'source' names"):
        import_here(tmp_path / "run", raw, "import")
    with pytest.raises(
        NoldoError, match=r"holds a location that can be imported; the first reason: \d{7}: missing band"
    ):
        import_here(tmp_path / "run", raw, "import", remake=True)


def test_a_source_of_another_layout_is_told_what_was_expected(labelled: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "images" / "s2c" / "0000007").mkdir(parents=True)
    (tmp_path / "images" / "s2c" / "0000007" / "B2.tif").touch()
    for labels in (None, labelled["source"]["labels"]):
        source = {"kind": "ssl4eo", "images": [str(tmp_path / "images")], "labels": labels}
        with pytest.raises(NoldoError, match=r"holds a location .*; expected s1 and s2c with <id>/<scene>/<band>\.tif"):
            import_here(tmp_path / "run", {"source": source, "quality": {"dw_min_valid_share": 0.0}}, remake=True)


def test_a_repaired_source_is_read_again_where_that_is_wished(
    published: Path, labelled: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.cluster.client.dask_client", lambda *_: nullcontext())
    monkeypatch.setattr("pipeline.cluster.crew.crew_of", lambda *_: nullcontext(InTurn()))
    few = tmp_path / "few"
    for sensor in ("s1", "s2c"):
        for place in sorted((published / sensor).iterdir())[:2]:
            shutil.copytree(place, few / sensor / place.name)
    band = min((few / "s2c").rglob("B10.tif"))
    whole = band.read_bytes()
    band.write_bytes(bytes(len(whole)))
    raw = {"source": {**labelled["source"], "images": [str(few)]}, "quality": {"dw_min_valid_share": 0.0}}

    def read(*, remake: bool = False) -> tuple[int, list[str]]:
        summary, problems = run_import(raw, tmp_path / "run", BuildOptions(None, 1, None, remake))
        left_out = [problem["reason"] for problem in problems if problem["reason"] != "no images"]
        return summary.funnel[0].kept, left_out

    assert read() == (1, ["unreadable file"])
    band.write_bytes(whole)
    assert read() == (1, ["unreadable file"])
    assert read(remake=True) == (2, [])
    assert digest_run(RunLayout(tmp_path / "run")).rows == 2
