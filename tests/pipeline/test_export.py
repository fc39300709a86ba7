import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from pipeline.export import NO_ROW, ExportSettings, export_part, plan_request, to_patch
from pipeline.schema.bands import S1_NODATA, S2_BANDS
from pipeline.schema.errors import FailureKind, SourceError, UsageError
from pipeline.schema.grid import patch_grid
from pipeline.schema.records import Arrays, Location, Patch, SeasonMatch, Verdict
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
    for n in range(4):
        for at, band in enumerate(S2_BANDS):
            arrays[f"s2_{n}_{band}"] += np.uint16(1000 * n + 10 * at)
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


def part(count: int) -> tuple[list[Location], list[SeasonMatch], list[Verdict]]:
    locations = [place(str(i)) for i in range(count)]
    matches = [match for location in locations for match in seasons(location.location_id)]
    return locations, matches, [Verdict(location.location_id, True, "", "") for location in locations]


def test_one_request_holds_everything_and_fits_the_services_limit() -> None:
    request = plan_request(place("7", 264), seasons("7"))
    names = [name for layer in request.layers for name in layer.names]
    assert len(names) == len(set(names)) == 64
    assert request.uncompressed_bytes == 264 * 264 * 4 * (13 * 2 + 2 * 4 + 1) == 9_757_440
    assert request.grid == place("7", 264).grid
    assert [layer.asset_id for layer in request.layers] == [
        f"{kind}/{n}" for n in range(4) for kind in ("S2", "S1", "DW")
    ]


def test_every_fill_lies_outside_its_bands_range_and_labels_are_never_interpolated() -> None:
    s2, s1, dw = plan_request(place("7"), seasons("7")).layers[:3]
    assert (s2.dtype, s2.fill, s2.bands) == ("uint16", 0, S2_BANDS)
    assert (s1.dtype, s1.fill, s1.bands) == ("float32", -9999.0, ("VV", "VH"))
    assert (dw.dtype, dw.fill, dw.bands, dw.resampling) == ("uint8", 255, ("label",), "nearest")
    assert s2.resampling == s1.resampling == "bilinear"
    crisp = plan_request(place("7"), seasons("7"), ExportSettings(optical_resampling="nearest")).layers
    assert (crisp[0].resampling, crisp[1].resampling) == ("nearest", "bilinear")


def test_an_incomplete_location_cannot_be_planned() -> None:
    with pytest.raises(ValueError, match=r"needs seasons 0\.\.3, got \[0, 1, 2\]"):
        plan_request(place("7"), seasons("7")[:3])
    lacking = [*seasons("7")[:3], SeasonMatch("7", 3, *[None] * 10)]
    with pytest.raises(ValueError, match="season 3 lacks S2"):
        plan_request(place("7"), lacking)


def test_arrays_are_stacked_by_season_and_band() -> None:
    patch = to_patch("5", answer(plan_request(place("5"), seasons("5")[::-1]), 5))
    assert (patch.s2.shape, patch.s2.dtype) == ((4, 13, SIZE, SIZE), np.uint16)
    assert (patch.s1.shape, patch.s1.dtype) == ((4, 2, SIZE, SIZE), np.float32)
    assert (patch.dw.shape, patch.dw.dtype) == ((4, SIZE, SIZE), np.uint8)
    expected = 1000 * np.arange(4)[:, None] + 10 * np.arange(13) + 5
    np.testing.assert_array_equal(patch.s2[:, :, 0, 0], expected)


def test_unobserved_pixels_keep_their_fill_and_never_become_class_0() -> None:
    arrays = answer(plan_request(place("5"), seasons("5")), 5)
    arrays["dw_2"][0, :3] = 255
    arrays["s1_1_VH"][1, 1] = S1_NODATA
    arrays["s1_1_VV"][2, 2] = -np.inf
    patch = to_patch("5", arrays)
    assert (patch.dw[2, 0, :3] == 255).all()
    assert not (patch.dw == 0).any()
    assert patch.s1[1, 1, 1, 1] == S1_NODATA
    assert patch.s1[1, 0, 2, 2] == S1_NODATA
    assert (patch.s1 == S1_NODATA).sum() == 2


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("dw_1", 9, "Dynamic World class runs from 5 to 9"), ("s1_0_VV", 1e4, "S1 backscatter"),
     ("s1_3_VH", -200, "S1 backscatter")],
)  # fmt: skip
def test_values_that_cannot_be_are_refused(name: str, value: float, words: str) -> None:
    arrays = answer(plan_request(place("5"), seasons("5")), 5)
    arrays[name][3, 3] = value
    with pytest.raises(SourceError, match=words) as caught:
        to_patch("5", arrays)
    assert caught.value.kind is FailureKind.PERMANENT


def test_arrays_that_were_not_planned_are_refused() -> None:
    arrays = answer(plan_request(place("5"), seasons("5")), 5)
    with pytest.raises(SourceError, match="s2_2_B8A did not arrive"):
        to_patch("5", {name: array for name, array in arrays.items() if name != "s2_2_B8A"})
    with pytest.raises(SourceError, match="dw_0 arrived as int32"):
        to_patch("5", {**arrays, "dw_0": arrays["dw_0"].astype(np.int32)})
    with pytest.raises(SourceError, match="dw_0 arrived as uint8"):
        to_patch("5", {**arrays, "dw_0": arrays["dw_0"][:-1]})
    with pytest.raises(SourceError, match="did not arrive"):
        to_patch("5", {})


def test_each_location_is_one_request_and_keeps_its_place() -> None:
    source = Pixels()
    exported = export_part(*part(9), ExportSettings(concurrency=4), source, {})
    assert sorted(source.asked) == [str(i) for i in range(9)]
    assert [patch.location_id for patch in exported.patches] == [str(i) for i in range(9)]
    assert [int(patch.s2[0, 0, 0, 0]) for patch in exported.patches] == list(range(9))
    assert [(r.location_id, r.tile_row) for r in exported.records] == [(str(i), i) for i in range(9)]
    assert all(record.failure_kind is None for record in exported.records)


def test_locations_that_the_filter_dropped_are_neither_fetched_nor_recorded() -> None:
    locations, matches, verdicts = part(4)
    verdicts[1] = Verdict("1", False, "no DW label", "season 0: no DW label")
    source = Pixels()
    exported = export_part(locations, matches, verdicts, ExportSettings(), source, {})
    assert sorted(source.asked) == ["0", "2", "3"]
    assert [(r.location_id, r.tile_row) for r in exported.records] == [("0", 0), ("2", 1), ("3", 2)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_is_kept_as_a_record_and_the_others_go_on(kind: FailureKind) -> None:
    def react(number: int) -> None:
        if number in (1, 2):
            raise SourceError(kind, f"no pixels of {number}")

    exported = export_part(*part(5), ExportSettings(), Pixels(react), {})
    assert [patch.location_id for patch in exported.patches] == ["0", "3", "4"]
    rows = [(r.tile_row, r.failure_kind, r.failure_message) for r in exported.records]
    assert rows == [
        (0, None, ""),
        (NO_ROW, kind, "no pixels of 1"),
        (NO_ROW, kind, "no pixels of 2"),
        (1, None, ""),
        (2, None, ""),
    ]


def test_what_an_earlier_run_left_is_not_fetched_again() -> None:
    locations, matches, verdicts = part(4)
    first = export_part(locations, matches, verdicts, ExportSettings(), Pixels(), {})
    have: dict[str, Patch] = {patch.location_id: patch for patch in first.patches[1:3]}
    source = Pixels()
    again = export_part(locations, matches, verdicts, ExportSettings(), source, have)
    assert sorted(source.asked) == ["0", "3"]
    assert again.records == first.records
    assert again.patches[1] is first.patches[1]
    for one, other in zip(first.patches, again.patches, strict=True):
        np.testing.assert_array_equal(one.s2, other.s2)


def test_refused_credentials_end_the_part_instead_of_failing_every_location() -> None:
    def react(number: int) -> None:
        raise UsageError("the credentials were refused")

    source = Pixels(react)
    with pytest.raises(UsageError):
        export_part(*part(40), ExportSettings(concurrency=2), source, {})
    assert len(source.asked) < 40


def test_a_part_without_locations_is_empty() -> None:
    exported = export_part([], [], [], ExportSettings(), Pixels(), {})
    assert (exported.patches, exported.records) == ((), ())
