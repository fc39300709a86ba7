"""One request a tile on the tile's own grid; what arrives is checked, and judged with a reason."""

from datetime import UTC, datetime

import numpy as np
import pytest

from pipeline.fetch_tiles import FetchSettings, judge_tile, paired, plan_tile, to_images
from pipeline.schema.bands import S1_BANDS, S1_NODATA, S2_BANDS
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.tiles import ExpertTile, TilePair
from pipeline.sources.splitting import SERVICE_LIMITS

PX = 10
GRID = PixelGrid(32720, 499_985.0, 8_000_015.0, PX, PX)
TILE = ExpertTile("dw_one", "train", datetime(2019, 7, 4, tzinfo=UTC), GRID, "one.tif", "", "", "", (), 0)
PAIR = TilePair("dw_one", s2_id="S2/one", s1_id="S1/one")


def arrived() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    s2 = {f"s2_{band}": rng.integers(1, 9000, (PX, PX), dtype=np.uint16) for band in S2_BANDS}
    return s2 | {f"s1_{band}": rng.normal(-14, 5, (PX, PX)).astype(np.float32) for band in S1_BANDS}


def test_one_request_on_the_tiles_own_pixels() -> None:
    request = plan_tile(TILE, PAIR, FetchSettings(optical_resampling="nearest"))
    assert request.grid == GRID
    assert [(layer.asset_id, layer.bands) for layer in request.layers] == [("S2/one", S2_BANDS), ("S1/one", S1_BANDS)]
    assert [layer.resampling for layer in request.layers] == ["nearest", "bilinear"]
    whole = plan_tile(ExpertTile(**{**vars(TILE), "grid": PixelGrid(32720, 0, 0, 512, 512)}), PAIR, FetchSettings())
    assert SERVICE_LIMITS.hold(whole)
    with pytest.raises(ValueError, match="not paired"):
        plan_tile(TILE, TilePair("dw_one", s2_id="S2/one"), FetchSettings())


def test_bands_arrive_in_order_and_unmeasured_backscatter_is_nodata() -> None:
    arrays = arrived()
    arrays["s1_VV"][0, 0] = -np.inf
    s2, s1 = to_images(TILE, arrays)
    assert (s2.dtype, s2.shape, s1.dtype, s1.shape) == (np.uint16, (13, PX, PX), np.float32, (2, PX, PX))
    assert all(np.array_equal(s2[at], arrays[f"s2_{band}"]) for at, band in enumerate(S2_BANDS))
    assert s1[0, 0, 0] == S1_NODATA
    assert np.array_equal(s1[1], arrays["s1_VH"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"s2_B9": None}, "band s2_B9 did not arrive"),
        ({"s2_B1": np.zeros((PX, PX + 1), np.uint16)}, "band s2_B1 arrived as uint16 (10, 11)"),
        ({"s1_VH": np.zeros((PX, PX), np.float64)}, "band s1_VH arrived as float64"),
        ({"s1_VV": np.full((PX, PX), 250.0, np.float32)}, "S1 backscatter (dB) runs from"),
    ],
)
def test_what_is_not_as_planned_is_refused(change: dict[str, np.ndarray | None], told: str) -> None:
    arrays = {name: array for name, array in {**arrived(), **change}.items() if array is not None}
    with pytest.raises(SourceError) as caught:
        to_images(TILE, arrays)
    assert caught.value.kind is FailureKind.PERMANENT
    assert told in str(caught.value)
    assert "dw_one" in str(caught.value)


def test_a_tile_observed_too_little_says_which_sensor_and_how_little() -> None:
    s2, s1 = to_images(TILE, arrived())
    assert judge_tile(TILE, s2, s1, FetchSettings()).kept
    s2[:, 0, :2] = 0
    told = judge_tile(TILE, s2, s1, FetchSettings())
    assert (told.kept, told.reason, told.detail) == (False, "S2 nodata", "valid share 0.9800 < 0.99")
    assert judge_tile(TILE, s2, s1, FetchSettings(s2_min_valid_share=0.98)).kept
    s1[1, :5] = S1_NODATA
    told = judge_tile(TILE, s2, s1, FetchSettings(s2_min_valid_share=0.98))
    assert (told.reason, told.s1_valid_share) == ("S1 nodata", 0.5)


def test_only_paired_tiles_are_fetched() -> None:
    others = [ExpertTile(**{**vars(TILE), "tile_id": name}) for name in ("b", "c")]
    pairs = [TilePair("c", reason="no S2 scene"), PAIR, TilePair("b", failure_kind=FailureKind.PERMANENT)]
    assert paired([TILE, *others], pairs) == [(TILE, PAIR)]
