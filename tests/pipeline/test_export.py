import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.export import NO_ROW, ExportSettings, export_part, fetch_patch, plan_requests
from pipeline.schema.bands import DW_PROBABILITY_BANDS, S2_BANDS
from pipeline.schema.errors import FailureKind, SourceError, UsageError
from pipeline.schema.grid import patch_grid
from pipeline.schema.records import Arrays, ExportRecord, Location, Patch, SeasonMatch
from pipeline.sources.protocol import PixelRequest, SceneLimits, SceneSlot, SlotScenes

SIZE = 6
NOW = datetime(2021, 6, 21, tzinfo=UTC)
KINDS = [FailureKind.TRANSIENT, FailureKind.QUOTA, FailureKind.PERMANENT, FailureKind.EMPTY]


def place(name: str, size: int = SIZE) -> Location:
    return Location(name, 10.0, 48.0, patch_grid(10.0, 48.0, size))


def seasons(name: str) -> list[SeasonMatch]:
    return [
        SeasonMatch(name, n, f"S2/{n}", NOW, 1.0, "03.00", "32UNU", f"S1/{n}", NOW, "ASCENDING", 1, f"DW/{n}")
        for n in range(4)
    ]


def answer(request: PixelRequest, number: int) -> dict[str, np.ndarray]:
    """Arrays as planned; S2 holds season * 1000 + band * 10 + number."""
    shape = (request.grid.height_px, request.grid.width_px)
    values = {"uint16": number, "float32": -12.5, "uint8": number % 9}
    arrays = {
        name: np.full(shape, values[layer.dtype], layer.dtype) for layer in request.layers for name in layer.names
    }
    for name, array in arrays.items():
        kind, season, *band = name.split("_", 2)
        if kind == "s2":
            array += np.uint16(1000 * int(season) + 10 * S2_BANDS.index(band[0]))
        elif kind == "dw" and band:
            array[:] = 255 * (DW_PROBABILITY_BANDS.index(band[0]) == number % 9)
    return arrays


class Pixels:
    """A source that answers by the location's number, or as `react` says."""

    def __init__(self, react: Callable[[int], None] = lambda _: None) -> None:
        self.react = react
        self.asked: list[str] = []
        self.lock = threading.Lock()

    def fetch_pixels(self, request: PixelRequest) -> Arrays:
        with self.lock:
            self.asked.append(request.location_id)
        number = int(request.location_id)
        self.react(number)
        return answer(request, number)

    def find_scenes(self, slots: Sequence[SceneSlot], limits: SceneLimits) -> list[SlotScenes]:
        raise AssertionError("export looks for no scenes")


def part(count: int) -> tuple[list[Location], list[SeasonMatch]]:
    locations = [place(str(i)) for i in range(count)]
    return locations, [match for location in locations for match in seasons(location.location_id)]


class Kept(dict[int, Patch]):
    """Patches by row, as they were handed over."""

    def __call__(self, row: int, patch: Patch) -> None:
        assert row not in self
        self[row] = patch


def whole(*arguments: Any, settings: ExportSettings | None = None) -> PixelRequest:
    (request,) = plan_requests(*arguments, settings)
    return request


def test_one_request_holds_everything_and_fits_the_services_limit() -> None:
    request = whole(place("7", 264), seasons("7"))
    names = [name for layer in request.layers for name in layer.names]
    assert len(names) == len(set(names)) == 64
    assert request.uncompressed_bytes == 264 * 264 * 4 * (13 * 2 + 2 * 4 + 1) == 9_757_440
    assert request.grid == place("7", 264).grid
    assert [layer.asset_id for layer in request.layers] == [
        f"{kind}/{n}" for n in range(4) for kind in ("S2", "S1", "DW")
    ]


def test_probabilities_are_asked_for_as_bytes_in_the_order_of_the_classes() -> None:
    request = whole(place("7", 264), seasons("7"), settings=ExportSettings(dw_probabilities=True))
    assert (request.bands, request.uncompressed_bytes) == (100, 9_757_440 + 264 * 264 * 36)
    layer = request.layers[3]
    assert (layer.asset_id, layer.dtype, layer.factor, layer.fill, layer.resampling) == (
        "DW/0", "uint8", 255, 0, "nearest",
    )  # fmt: skip
    assert layer.bands == (
        "water", "trees", "grass", "flooded_vegetation", "crops", "shrub_and_scrub", "built", "bare", "snow_and_ice",
    )  # fmt: skip
    assert not any(layer.factor != 1 for layer in whole(place("7"), seasons("7")).layers)


def test_every_fill_lies_outside_its_bands_range_and_labels_are_never_interpolated() -> None:
    s2, s1, dw = whole(place("7"), seasons("7")).layers[:3]
    assert (s2.dtype, s2.fill, s2.bands) == ("uint16", 0, S2_BANDS)
    assert (s1.dtype, s1.fill, s1.bands) == ("float32", -9999.0, ("VV", "VH"))
    assert (dw.dtype, dw.fill, dw.bands, dw.resampling) == ("uint8", 255, ("label",), "nearest")
    assert s2.resampling == s1.resampling == "bilinear"
    crisp = whole(place("7"), seasons("7"), settings=ExportSettings(optical_resampling="nearest")).layers
    assert (crisp[0].resampling, crisp[1].resampling) == ("nearest", "bilinear")


def test_an_incomplete_location_cannot_be_planned() -> None:
    with pytest.raises(ValueError, match=r"needs seasons 0\.\.3, got \[0, 1, 2\]"):
        plan_requests(place("7"), seasons("7")[:3])
    lacking = [*seasons("7")[:3], SeasonMatch("7", 3, *[None] * 10)]
    with pytest.raises(ValueError, match="season 3 lacks S2"):
        plan_requests(place("7"), lacking)


@settings(deadline=None, max_examples=60)
@given(bands=st.integers(1, 120), probabilities=st.booleans())
def test_fewer_bands_a_request_make_more_requests_for_the_same_patch(bands: int, probabilities: bool) -> None:
    chosen = ExportSettings(request_bands=bands, dw_probabilities=probabilities)
    source, arguments = Pixels(), (place("5"), seasons("5")[::-1])
    patch = fetch_patch(*arguments, chosen, source)
    one = fetch_patch(*arguments, ExportSettings(dw_probabilities=probabilities), Pixels())
    assert len(source.asked) == len(plan_requests(*arguments, chosen)) >= (100 if probabilities else 64) / bands
    for name in ("s2", "s1", "dw", "dw_prob"):
        np.testing.assert_array_equal(getattr(patch, name), getattr(one, name))
    assert (patch.dw_prob is not None) == probabilities


def test_arrays_are_stacked_by_season_and_band() -> None:
    patch = fetch_patch(place("5"), seasons("5"), ExportSettings(), Pixels())
    expected = 1000 * np.arange(4)[:, None] + 10 * np.arange(13) + 5
    np.testing.assert_array_equal(patch.s2[:, :, 0, 0], expected)
    assert (patch.s1 == -12.5).all()
    assert (patch.dw == 5).all()


def test_each_location_is_one_request_and_keeps_its_place() -> None:
    source, kept = Pixels(), Kept()
    records = export_part(*part(9), ExportSettings(concurrency=4), source, settled={}, keep=kept)
    assert sorted(source.asked) == [str(i) for i in range(9)]
    assert {row: patch.location_id for row, patch in kept.items()} == {i: str(i) for i in range(9)}
    assert [int(kept[i].s2[0, 0, 0, 0]) for i in range(9)] == list(range(9))
    assert records == tuple(ExportRecord(str(i), i, None, "") for i in range(9))


def test_a_patch_is_handed_over_before_the_next_is_there() -> None:
    kept = Kept()
    seen: list[int] = []
    source = Pixels(lambda _: seen.append(len(kept)))
    export_part(*part(5), ExportSettings(concurrency=1), source, settled={}, keep=kept)
    assert seen == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_is_kept_as_a_record_and_the_others_go_on(kind: FailureKind) -> None:
    def react(number: int) -> None:
        if number in (1, 2):
            raise SourceError(kind, f"no pixels of {number}")

    kept = Kept()
    records = export_part(*part(5), ExportSettings(), Pixels(react), settled={}, keep=kept)
    assert sorted(kept) == [0, 3, 4]
    assert [(r.tile_row, r.failure_kind, r.failure_message) for r in records] == [
        (0, None, ""),
        (NO_ROW, kind, "no pixels of 1"),
        (NO_ROW, kind, "no pixels of 2"),
        (3, None, ""),
        (4, None, ""),
    ]


def test_pixels_that_cannot_be_are_a_failure_of_their_location_alone() -> None:
    class Odd(Pixels):
        def fetch_pixels(self, request: PixelRequest) -> Arrays:
            arrays = dict(super().fetch_pixels(request))
            if request.location_id == "1":
                arrays["dw_3"] = np.full_like(arrays["dw_3"], 9)
            return arrays

    kept = Kept()
    records = export_part(*part(3), ExportSettings(), Odd(), settled={}, keep=kept)
    assert sorted(kept) == [0, 2]
    assert records[1].failure_kind is FailureKind.PERMANENT
    assert "Dynamic World class" in records[1].failure_message


def test_what_is_settled_is_not_fetched_again() -> None:
    settled = {"1": ExportRecord("1", 1, None, ""), "2": ExportRecord("2", NO_ROW, FailureKind.PERMANENT, "no")}
    source, kept = Pixels(), Kept()
    records = export_part(*part(4), ExportSettings(), source, settled=settled, keep=kept)
    assert sorted(source.asked) == ["0", "3"]
    assert sorted(kept) == [0, 3]
    assert records == (ExportRecord("0", 0, None, ""), *settled.values(), ExportRecord("3", 3, None, ""))


@pytest.mark.parametrize("error", [UsageError("the credentials were refused"), OSError(28, "No space left")])
def test_what_is_not_the_locations_fault_ends_the_part(error: Exception) -> None:
    def react(number: int) -> None:
        raise error

    source = Pixels(react)
    with pytest.raises(type(error)):
        export_part(*part(40), ExportSettings(concurrency=2), source, settled={}, keep=Kept())
    assert len(source.asked) < 40


def test_a_disk_that_is_full_ends_the_part() -> None:
    def keep(row: int, patch: Patch) -> None:
        raise OSError(28, "No space left on device")

    source = Pixels()
    with pytest.raises(OSError, match="No space"):
        export_part(*part(40), ExportSettings(concurrency=2), source, settled={}, keep=keep)
    assert len(source.asked) < 40


def test_a_part_without_locations_is_empty() -> None:
    assert export_part([], [], ExportSettings(), Pixels(), settled={}, keep=Kept()) == ()
