import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline.live.previews import Previews
from pipeline.schema.landcover import DW_CLASSES
from pipeline.schema.layout import RunLayout
from pipeline.staging import free_rows, read_tiles

RECIPE: dict[str, Any] = {"seasons": {"anchors": ["2021-09-22", "2021-12-21", "2021-06-21", "2021-03-20"]}}


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_the_newest_season_of_the_newest_locations(tmp_path: Path, stage: Callable[..., None]) -> None:
    run = RunLayout(tmp_path)
    stage(run, 0, *"abcde")
    previews = Previews(run, RECIPE)
    shown = previews.latest()
    assert {preview.name for preview in shown} == {"b", "c", "d", "e"}
    assert {preview.season for preview in shown} == {"2021-12-21"}
    assert [shot.name for shot in shown[0].shots] == ["Sentinel-2", "Sentinel-1", "Dynamic World"]
    picture = opened(shown[0].shots[2].uri)
    assert picture.size == (8, 8)  # every second pixel
    (patch,) = read_tiles(run.tile(0), ["abcde".index(shown[0].name)])
    colours = [tuple(bytes.fromhex(cover.colour.removeprefix("#"))) for cover in DW_CLASSES]
    expected = np.array([[colours[code] for code in row] for row in patch.dw[1, ::2, ::2]])
    assert (np.asarray(picture.convert("RGB")) == expected).all()


def test_each_is_made_once_and_what_was_shown_stays_when_freed_or_damaged(
    tmp_path: Path, stage: Callable[..., None]
) -> None:
    run = RunLayout(tmp_path)
    stage(run, 0, "a", "b")
    previews = Previews(run, RECIPE)
    shown = previews.latest()
    assert all(one is other for one, other in zip(previews.latest(), shown, strict=True))
    free_rows(run.tile(0), [0, 1])
    assert previews.latest() == shown
    stage(run, 1, "c", "d")
    (tmp_path / "tiles/part-00001.zarr/s2/c.0.0.0.0.0").write_bytes(b"cut short")
    assert {preview.name for preview in previews.latest()} == {"a", "b", "d"}


def test_as_many_are_made_at_once_as_are_wanted(tmp_path: Path, stage: Callable[..., None]) -> None:
    run = RunLayout(tmp_path)
    stage(run, 0, *"abcde")
    previews = Previews(run, RECIPE)
    first = previews.latest(2)
    assert len(first) == 2
    assert previews.latest(2)[:2] == first
    assert len(previews.latest(0)) == 4


def test_tiles_of_a_downstream_build(dw_run: Path) -> None:
    shown = Previews(RunLayout(dw_run), {"kind": "dw"}).latest()
    assert len(shown) == 4
    assert all([shot.name for shot in one.shots] == ["Sentinel-2", "Sentinel-1", "Dynamic World"] for one in shown)
    assert {(one.name[:3], one.season) for one in shown} == {("dw_", "")}
