"""Small run directories, made up after the layout that the stages and the training write."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
import zarr
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, zoom

from pipeline.histograms import s1_histogram, s2_histogram, to_bytes
from pipeline.manifest.statistics import statistics_record
from pipeline.parts import write_part
from pipeline.scaling import PUBLISHED
from pipeline.schema.errors import FailureKind
from pipeline.schema.grid import patch_grid
from pipeline.schema.landcover import DW_CLASSES, IGNORE
from pipeline.schema.layout import PretrainLayout, RunLayout
from pipeline.schema.records import (
    ExportRecord,
    Lack,
    Location,
    Patch,
    QualityRecord,
    SensorShift,
    ShardRecord,
    Verdict,
)
from pipeline.store_statistics import store_statistics, write_statistics
from pipeline.tally import season_sums

EPOCHS = 6
RECIPE = {
    "name": "nol",
    "source": {"kind": "emulator", "seed": 3},
    "seasons": {"cloud_max_pct": 20.0},
    "quality": {"dw_min_valid_share": 0.6, "s2_min_valid_share": 0.99, "s1_max_shift_m": None},
}


@dataclass(frozen=True)
class FakeRun:
    """A made-up run and what is true of it."""

    layout: RunLayout
    kept: tuple[str, ...]
    label: NDArray[np.uint8]
    """(N, 4, px, px)."""
    truth: NDArray[np.uint8]
    """(N, 4, px, px)."""


MakeRun = Callable[..., FakeRun]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MakeRun:
    """A run a set of options, for tests that only read it: to write its arrays anew takes longer than most tests."""
    made: dict[tuple[tuple[str, Any], ...], FakeRun] = {}

    def make(**options: Any) -> FakeRun:
        key = tuple(sorted(options.items()))
        if key not in made:
            made[key] = _fake_run(tmp_path_factory.mktemp("made") / "run", **options)
        return made[key]

    return make


@pytest.fixture
def make_run(tmp_path: Path, made_once: MakeRun) -> MakeRun:
    """A run of one's own: `make_run(stored=4, px=32, statistics=True)`; 3 further are dropped, one fails to export."""

    def make(**options: Any) -> FakeRun:
        whole = made_once(**options)
        shutil.copytree(whole.layout.root, tmp_path / "run", copy_function=shutil.copyfile)
        return replace(whole, layout=RunLayout(tmp_path / "run"))

    return make


@pytest.fixture(scope="session")
def make_shared_run() -> MakeRun:
    """`make_shared_run(folder, ...)`: as `make_run`, in a folder that several tests may share."""
    return _fake_run


@pytest.fixture(scope="session")
def on_a_phone(browse: Callable[..., tuple[str, list[str]]]) -> Callable[..., list[Any]]:
    """`on_a_phone(script, *pages)`: what a script returns at the end of each page, in frames 390 px wide.

    Frames, because a headless window is never narrower than 500 px. It fails where the console says anything.
    """

    def visit(script: str, *pages: Path) -> list[Any]:
        frames = []
        for at, page in enumerate(pages):
            inner = page.with_name("inner.html")
            tell = f"parent.postMessage([{at}, (() => {{{script}}})()], '*')"
            code = f"<script>addEventListener('load', () => {tell})</script></body>"
            inner.write_text(page.read_text().replace("</body>", code))
            frames.append(f"<iframe src='file://{inner}' style='width:390px;height:800px;border:0'></iframe>")
        holder = pages[0].with_name("phone.html")
        gather = "told[e.data[0]] = e.data[1]; document.title = '<<' + JSON.stringify(told) + '>>'"
        holder.write_text(
            "<!doctype html><title>none</title>"
            f"<script>const told = []; addEventListener('message', (e) => {{ {gather}; }})</script>{''.join(frames)}"
        )
        dom, console = browse(holder, "--dump-dom")
        assert console == []
        found = re.search(r"<title>&lt;&lt;(.*?)&gt;&gt;</title>", dom, re.DOTALL)
        assert found is not None
        seen: list[Any] = json.loads(unescape(found.group(1)))
        assert len(seen) == len(pages)
        return seen

    return visit


def _fake_run(root: Path, stored: int = 4, px: int = 32, statistics: bool = True) -> FakeRun:
    layout = RunLayout(root)
    root.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    kept = _tables(layout, stored)
    truth = np.stack([_land(rng, px) for _ in range(stored)])
    label = np.stack([_noisy(rng, season) for season in truth])
    s2, s1 = _images(rng, truth)
    store = zarr.create_group(layout.store("nol"), zarr_format=3)
    for name, data in (("s2", s2), ("s1", s1), ("dw", label)):
        array = store.create_array(name, data=data, chunks=(1, *data.shape[1:]))
        if name != "dw":
            scaling = PUBLISHED.of(name)
            array.attrs.update({"bands": list(scaling.bands), "scaling": scaling.as_attributes()})
    zarr.create_group(layout.truth, zarr_format=3).create_array("truth", data=truth, chunks=(1, *truth.shape[1:]))
    _manifest(layout, kept)
    if statistics:
        shard = _shard(s2, s1, label)
        write_statistics(store, store_statistics([shard]))
        (layout.manifest / "statistics.json").write_text(json.dumps(statistics_record([shard], PUBLISHED)))
    _pretrain(layout, rng, s2, s1, label, truth)
    return FakeRun(layout, kept, label, truth)


def _tables(layout: RunLayout, stored: int) -> tuple[str, ...]:
    """Two parts a stage; after the stored ones: no DW, no S1, a failed export, too few labels."""
    places = [(2.35, 48.85), (-58.4, -34.6), (77.2, 28.6), (151.0, -33.7), (-99.1, 19.4), (36.8, -1.3)]
    everything = []
    for number in range(stored + 4):
        lon, lat = places[number % 6]
        lon, lat = lon + 0.9 * (number // 6), lat + 0.7 * (number // 6)
        everything.append(Location(f"{number:07d}", lon, lat, patch_grid(lon, lat)))
    layout.recipe.write_text(yaml.safe_dump(RECIPE))
    half = len(everything) // 2
    write_part(layout.table("sample", 0), Location, everything[:half], "a")
    write_part(layout.table("sample", 1), Location, everything[half:], "a")
    ids = [location.location_id for location in everything]
    lost = {ids[stored]: "no DW label", ids[stored + 1]: "no <S1> & scene"}
    season = {ids[stored]: 2, ids[stored + 1]: 0}
    verdicts = [
        Verdict(i, False, lost[i], f"season {season[i]}: {lost[i]}", (Lack(season[i], lost[i]),))
        if i in lost else Verdict(i, True, "", "")
        for i in ids
    ]  # fmt: skip
    write_part(layout.table("seasons", 0), Verdict, verdicts, "b")
    left = [i for i in ids if i not in lost]
    failed = ids[stored + 2]
    exports = [
        ExportRecord(i, row, FailureKind.PERMANENT if i == failed else None, "refused" if i == failed else "")
        for row, i in enumerate(left)
    ]
    write_part(layout.table("export", 0), ExportRecord, exports, "c")
    bad = ids[stored + 3]
    shift = (SensorShift(3.0, 4.0, 12.0),) * 4
    quality = [
        QualityRecord(i, i != bad, "" if i != bad else "too few labels",
                      "" if i != bad else "season 3: valid share 0.1 < 0.6", (0.9, 0.9, 0.9, 0.9 if i != bad else 0.1),
                      (1.0,) * 4, (1.0,) * 4, (1,) * 9, (0.0,) * 4, (20.0,) * 4, shift,
                      lacking=() if i != bad else (Lack(3, "too few labels"),))
        for i in left if i != failed
    ]  # fmt: skip
    write_part(layout.table("quality", 0), QualityRecord, quality, "d")
    lines = [
        {"event": "attempt", "stage": "export", "location_id": ids[0], "attempt": 1, "kind": kind, "message": "",
         "milliseconds": 12.0, "received_bytes": 1500}
        for kind in ("ok", "ok", "transient")
    ]  # fmt: skip
    lines.append({"event": "part", "stage": "export", "part": 0, "locations": 3, "complete": True})
    layout.events.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"event": "atte')
    return tuple(ids[:stored])


def _land(rng: np.random.Generator, px: int) -> NDArray[np.uint8]:
    """(4, px, px): smooth regions of a few classes, the same in every season but for snow in the last."""
    fields = [gaussian_filter(rng.normal(size=(px, px)), px / 14) for _ in DW_CLASSES]
    order = np.argmax([f / f.std() + rng.normal() * 0.4 for f in fields], axis=0).astype(np.uint8)
    seasons = np.stack([order] * 4)
    seasons[3][fields[0] > 0.5 * fields[0].std()] = 8
    return seasons


def _noisy(rng: np.random.Generator, truth: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Blotches of wrong classes and a masked corner."""
    px = truth.shape[-1]
    blotch = zoom(rng.random((px // 4, px // 4)), 4, order=1)[:px, :px]
    label = np.where(blotch > 0.66, (truth + 4) % 9, truth).astype(np.uint8)
    label[:, : px // 8, : px // 8] = IGNORE
    return label


def _images(rng: np.random.Generator, truth: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    s2_of_class = rng.integers(50, 200, size=(9, 13))
    for code, rgb in enumerate([(60, 75, 90), (62, 78, 72), (80, 98, 78), (66, 80, 80), (110, 105, 84),
                                (112, 104, 90), (140, 128, 122), (150, 132, 112), (230, 232, 238)]):  # fmt: skip
        s2_of_class[code, [3, 2, 1]] = rgb
    s1_of_class = np.array([[30, 40], [140, 170], [110, 110], [90, 90], [125, 130], [115, 120], [225, 200],
                            [70, 60], [95, 85]])  # fmt: skip
    s2 = np.moveaxis(s2_of_class[truth], -1, 2) + rng.normal(0, 6, size=(*truth.shape[:2], 13, *truth.shape[2:]))
    s1 = np.moveaxis(s1_of_class[truth], -1, 2) + rng.normal(0, 18, size=(*truth.shape[:2], 2, *truth.shape[2:]))
    return np.clip(s2, 0, 255).astype(np.uint8), np.clip(s1, 0, 255).astype(np.uint8)


def _manifest(layout: RunLayout, kept: tuple[str, ...]) -> None:
    rows = [
        {"location_id": place, "season": season, "row": row, "s2_id": f"COPERNICUS/S2_HARMONIZED/S2_{row}_{season}",
         "s1_id": f"COPERNICUS/S1_GRD/S1_{row}_{season}", "dw_id": f"GOOGLE/DYNAMICWORLD/V1/S2_{row}_{season}",
         "s2_datetime": datetime(2020, 3, 20, tzinfo=UTC) + timedelta(days=91 * season),
         "s1_datetime": datetime(2020, 3, 23, tzinfo=UTC) + timedelta(days=91 * season),
         "epsg": 32631, "cloud_pct": 3.25, "label_valid_frac": 0.98, "geometry": b"\x00"}
        for row, place in enumerate(kept)
        for season in range(4)
    ]  # fmt: skip
    layout.manifest.mkdir()
    pq.write_table(pa.Table.from_pylist(rows), layout.index)
    source = {"kind": "emulator", "seed": 3}
    provenance = {
        "data": "Emulated </script><script>hostile()</script>", "emulated": True,
        "source": source, "recipe_digest": "cd" * 32,
        "content_digest": {"dataset": "ab" * 32, "rows": len(kept)},
        "code": {"commit": None, "packages": {"zarr": "3.1.6"}}, "recipe": {"name": "nol", "source": source},
    }  # fmt: skip
    (layout.manifest / "provenance.json").write_text(json.dumps(provenance))
    (layout.manifest / "manifest-sha256.txt").write_text("")


def _shard(s2: NDArray[np.uint8], s1: NDArray[np.uint8], label: NDArray[np.uint8]) -> ShardRecord:
    """All rows as one shard: the raw pixels are those that scale to what is stored."""
    raw = {}
    for name, scaled in (("s2", s2), ("s1", s1)):
        low, span = PUBLISHED.of(name).low_and_span()
        values = low[:, None, None] + scaled / 255.0 * span[:, None, None]
        raw[name] = np.moveaxis(values, 0, 2).reshape(4, values.shape[2], -1, values.shape[-1])
    patch = Patch("all", np.clip(np.rint(raw["s2"]), 1, 65535).astype(np.uint16), raw["s1"].astype(np.float32),
                  np.moveaxis(label, 0, 1).reshape(4, -1, label.shape[-1]))  # fmt: skip
    s2_sums, s1_sums = season_sums(patch)
    counts = [np.bincount(np.minimum(season, 9).ravel(), minlength=10) for season in patch.dw]
    return ShardRecord(
        shard=0, first_row=0, s2_digests=(), s1_digests=(), dw_digests=(),
        class_count=tuple(tuple(int(n) for n in season) for season in counts), class_pairs=((0,) * 100,) * 6,
        s2_sums=s2_sums, s1_sums=s1_sums,
        s2_histogram=to_bytes(np.stack([[s2_histogram(band) for band in season] for season in patch.s2])),
        s1_histogram=to_bytes(np.stack([[s1_histogram(band) for band in season] for season in patch.s1])),
    )  # fmt: skip


def _pretrain(
    layout: RunLayout,
    rng: np.random.Generator,
    s2: NDArray[np.uint8],
    s1: NDArray[np.uint8],
    label: NDArray[np.uint8],
    truth: NDArray[np.uint8],
) -> None:
    run = PretrainLayout(layout.pretrain)
    run.root.mkdir()
    log = [
        {"epoch": e + 1, "train_loss": 3.2 * 0.8**e + 0.4, "val_loss": 2.9 * 0.85**e + 0.5, "lr": 0.005, "seconds": 9.5,
         "locations_per_s": 4.5, "data_wait_share": 0.02, "consistency": 0.1}
        for e in range(EPOCHS)
    ]  # fmt: skip
    run.log.write_text("".join(json.dumps(line) + "\n" for line in log) + '{"epoch": 7, "tra')
    classes = {"per_class_recall": [0.7] * 8 + [None], "per_class_iou": [0.1 * i for i in range(8)] + [None]}
    names = {"network_s2": 0.61, "network_s1": 0.44, "majority_class": 0.031, "dw_label": 0.55}
    result = {
        "locations_train": 30, "locations_held_out": 4, "epochs": EPOCHS, "loss_first": 3.6, "loss_last": 1.2,
        "val_loss_first": 3.4, "val_loss_last": 1.5, "against": "truth",
        "scores": {n: {"oa": 0.7, "aa": 0.6, "miou": m, "mf1": 0.6, **classes} for n, m in names.items()},
        "selection_auc": {"s1": 0.68, "s2": 0.81, "per_class": {"s1": [0.5] * 9, "s2": [None] * 9}},
        "seconds": 125.0, "locations_per_s": 4.5,
    }  # fmt: skip
    run.result.write_text(json.dumps(result))
    shown = np.arange(min(3, len(label)))
    season = shown % 4
    chosen, true = label[shown, season], truth[shown, season]
    right = np.where(chosen == true, 0.9, 0.25)
    np.savez_compressed(
        run.masks,
        location_row=shown,
        season=season,
        s1=s1[shown, season],
        s2=s2[shown, season],
        label=chosen,
        truth=true,
        weight_s1=np.clip(right + rng.normal(0, 0.3, right.shape), 0, 1).astype(np.float16),
        weight_s2=np.clip(right + rng.normal(0, 0.1, right.shape), 0, 1).astype(np.float16),
        prediction_s1=true,
        prediction_s2=true,
    )
