"""Data sets as documents tell of them, made up or read from small published trees."""

import datetime
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.manifest.described import ArrayDescribed, Described, Extent, FileDescribed, Kind, StoreDescribed
from pipeline.schema.layout import RunLayout
from pipeline.schema.release import ReleaseSettings

SCHEMAS = Path(__file__).parent / "schemas"

LABEL = {"pretraining": "dw", "dw": "dw", "osm": "osm", "dfc2020": "dfc"}
COLUMNS = {"location_id": "string", "split": "string", "store": "string", "row": "int32", "season": "int8",
           "geotransform": "list<element: double>", "geometry": "binary"}  # fmt: skip
SOURCES = {
    True: {"kind": "emulator", "seed": 7},
    False: {"kind": "earthengine"},
}


def array(name: str, shape: tuple[int, ...], dimensions: tuple[str, ...], **attributes: Any) -> ArrayDescribed:
    return ArrayDescribed(name, "uint8", shape, (1, *shape[1:]), 16, dimensions, attributes, f"sha256:{name}")


def store(name: str, split: str, label: str, seasons: int) -> StoreDescribed:
    rows, axes = 3, ("y", "x")
    first = ("location", "season") if seasons > 1 else ("tile",)
    lead = (rows, seasons) if seasons > 1 else (rows,)
    arrays = (
        array(label, (*lead, 8, 8), (*first, *axes), long_name="Labels"),
        array("s1", (*lead, 2, 8, 8), (*first, "s1_band", *axes), bands=["VV", "VH"]),
        array("s2", (*lead, 13, 8, 8), (*first, "s2_band", *axes), bands=[f"B{n}" for n in range(13)]),
    )
    return StoreDescribed(name, f"store/{name}.zarr", split, rows, arrays, files=5, bytes=1000)


def made_up(kind: Kind = "pretraining", *, emulated: bool = False, **changed: Any) -> Described:
    label, seasons = LABEL[kind], 4 if kind == "pretraining" else 1
    names = {"nol": "pretrain"} if kind == "pretraining" else {f"{kind}_train": "train", f"{kind}_test": "test"}
    stores = tuple(store(name, split, label, seasons) for name, split in names.items())
    recipe: dict[str, Any] = {"sample": {"place": "cities", "sigma_km": 50.0, "cities": 10000}}
    found = Described(
        kind=kind,
        release=ReleaseSettings(),
        date=datetime.date(2026, 3, 1),
        stores=stores,
        locations=3 * len(stores),
        seasons=seasons,
        patch_px=8,
        extent=Extent(
            bbox=(170.0, -10.0, -175.0, 5.5),
            first=datetime.datetime(2020, 12, 1, 10, tzinfo=datetime.UTC),
            last=datetime.datetime(2021, 11, 30, 11, 12, 13, 5, tzinfo=datetime.UTC),
            epsg=(32601, 32660),
        ),
        index_columns=COLUMNS,
        tables={"dropped.parquet": {"location_id": "string"}},
        files=(FileDescribed("dropped.parquet", "0" * 64, 10), FileDescribed("index.parquet", "1" * 64, 20)),
        provenance={
            "data": "What it is.",
            "emulated": emulated,
            "source": SOURCES[emulated],
            "recipe_digest": "abc",
            "content_digest": {"dataset": "sha256:whole"},
            "code": {"commit": "c0ffee"},
            "recipe": recipe if kind == "pretraining" else {},
        },
        statistics={},
        funnel=None,
    )
    return replace(found, **changed)


@pytest.fixture(scope="session")
def describe_made_up() -> Callable[..., Described]:
    """(kind, emulated, **changed fields) -> a data set that is nowhere; it crosses 180 degrees."""
    return made_up


@pytest.fixture(scope="session")
def tiles_tree(make_dw_run: Callable[..., RunLayout], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished set of two splits: change nothing in it."""
    root = tmp_path_factory.mktemp("documents") / "run"
    train = {"dw_a": (7.0, 46.0), "dw_b": (-179.9995, 60.0)}
    return Path(str(make_dw_run(root, train, {"dw_t": (11.0, 5.0)}).root))


@pytest.fixture(params=["pretraining", "tiles"])
def tree(request: pytest.FixtureRequest, ours: Any, tiles_tree: Path) -> Path:
    """The folder of either kind of data set: change nothing in it."""
    return Path(str(ours.run.root)) if request.param == "pretraining" else tiles_tree


@pytest.fixture(scope="session")
def schema() -> Callable[[str], Mapping[str, Any]]:
    """Name of a file -> the published JSON schema in it."""

    def read(name: str) -> Mapping[str, Any]:
        plain: dict[str, Any] = json.loads((SCHEMAS / name).read_text())
        return plain

    return read
