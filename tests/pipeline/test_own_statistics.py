from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.own_statistics import store_scaling
from pipeline.pack import StoreSettings
from pipeline.parts import write_part
from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import RunLayout
from pipeline.schema.records import BandSum, Patch
from pipeline.tally import season_sums

OWN = StoreSettings(statistics="own", clip_std=2.5)


@dataclass(frozen=True)
class Sums:
    """The columns of a quality record that are read."""

    location_id: str
    kept: bool
    s2_sums: tuple[tuple[BandSum, ...], ...]
    s1_sums: tuple[tuple[BandSum, ...], ...]


def quality(run: RunLayout, patches: list[Patch], dropped: set[str], part_locations: int) -> int:
    rows = [Sums(p.location_id, p.location_id not in dropped, *season_sums(p)) for p in patches]
    starts = range(0, len(rows), part_locations)
    for part, start in enumerate(starts):
        write_part(run.table("quality", part), Sums, rows[start : start + part_locations], "inputs")
    return len(starts)


def test_a_stores_own_statistics_are_those_of_the_kept_pixels(tmp_path: Path, make_patch: Any) -> None:
    patches = [make_patch(name) for name in "abcdefg"]
    run = RunLayout(tmp_path)
    parts = quality(run, patches, {"b", "g"}, 3)
    found = store_scaling(run, OWN, parts)
    for name, scaling in (("s2", found.s2), ("s1", found.s1)):
        raw = np.stack([getattr(p, name) for p in patches if p.location_id not in "bg"]).astype(np.float64)
        assert scaling.mean == pytest.approx(raw.mean(axis=(0, 1, 3, 4)), rel=1e-6)
        assert scaling.std == pytest.approx(raw.std(axis=(0, 1, 3, 4)), rel=1e-6)
        assert (scaling.clip_std, scaling.source) == (2.5, "own")


def test_parts_and_order_do_not_change_a_bit(tmp_path: Path, make_patch: Any) -> None:
    patches = [make_patch(name) for name in "abcdefg"]
    found = []
    for size in (1, 2, 7):
        run = RunLayout(tmp_path / str(size))
        order = patches[::-1] if size == 2 else patches
        found.append(store_scaling(run, OWN, quality(run, order, {"c"}, size)))
    assert found[0] == found[1] == found[2]


def test_what_is_not_the_stores_own_needs_no_quality_part(tmp_path: Path) -> None:
    assert store_scaling(RunLayout(tmp_path), StoreSettings(), 4).s2.source == "published"


def test_a_part_without_sums_is_told(tmp_path: Path) -> None:
    run = RunLayout(tmp_path)
    with pytest.raises(NoldoError, match=r"part-00000.parquet has no band sums"):
        store_scaling(run, OWN, 1)


def test_a_flat_band_is_told(tmp_path: Path, make_patch: Any) -> None:
    run = RunLayout(tmp_path)
    flat = make_patch("a", s2=np.full((4, 13, 24, 24), 1000, np.uint16))
    with pytest.raises(NoldoError, match="band B1, which is 1000 everywhere"):
        store_scaling(run, OWN, quality(run, [flat], set(), 1))
