"""One location on the real service: what an emulator cannot prove.

Needs Earth Engine credentials and NOLDO_EE_PROJECT; spends a few compute-unit seconds.
"""

import os
from datetime import timedelta

import numpy as np
import pytest

from pipeline.export import ExportSettings, fetch_patch
from pipeline.match import match_part
from pipeline.schema.bands import S1_NODATA
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import patch_grid
from pipeline.schema.records import Attempt, Location, Patch, SeasonMatch
from pipeline.season_windows import SeasonSettings
from pipeline.seasons import filter_seasons
from pipeline.sources.earthengine import EarthEngineSource, EarthEngineSpec
from pipeline.sources.pace import own_link

URL = "https://earthengine-highvolume.googleapis.com"

pytestmark = [pytest.mark.online, pytest.mark.enable_socket]

MILAN = Location("milan", 9.20, 45.40, patch_grid(9.20, 45.40))
"""Dry enough for four clear seasons, and both a 20 m and a Sentinel-1 resampling away from its own grid."""


@pytest.fixture(scope="module")
def records() -> list[Attempt]:
    return []


@pytest.fixture(scope="module")
def source(records: list[Attempt]) -> EarthEngineSource:
    project = os.environ.get("NOLDO_EE_PROJECT")
    if not project:
        pytest.skip("NOLDO_EE_PROJECT names no project")
    try:
        return EarthEngineSource(
            EarthEngineSpec(URL, project, workload_tag="noldo-test"), "online", own_link(records.append)
        )
    except UsageError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def matches(source: EarthEngineSource) -> list[SeasonMatch]:
    return match_part([MILAN], SeasonSettings(), source)


@pytest.fixture(scope="module")
def patch(source: EarthEngineSource, matches: list[SeasonMatch]) -> Patch:
    verdicts = filter_seasons([MILAN], matches)
    assert verdicts[0].kept, verdicts[0].detail
    return fetch_patch(MILAN, matches, ExportSettings(), source)


def test_four_seasons_are_found_with_their_labels(matches: list[SeasonMatch]) -> None:
    for match, month in zip(matches, (12, 9, 6, 3), strict=True):
        assert match.lacks == ""
        assert match.s2_time is not None
        assert match.s1_time is not None
        assert match.s2_cloud_pct is not None
        assert match.s2_id is not None
        assert match.dw_id is not None
        assert abs(match.s2_time - match.s1_time) <= timedelta(days=61)
        assert min(abs(match.s2_time.month - month), 12 - abs(match.s2_time.month - month)) <= 1
        assert 0 <= match.s2_cloud_pct < 20
        assert match.s2_id.rpartition("/")[2] == match.dw_id.rpartition("/")[2]
        assert match.s2_tile in match.s2_id.rpartition("_T")[2]


def test_a_whole_location_arrives_in_one_answer(patch: Patch, records: list[Attempt]) -> None:
    assert (patch.s2.shape, patch.s1.shape, patch.dw.shape) == (
        (4, 13, 264, 264),
        (4, 2, 264, 264),
        (4, 264, 264),
    )
    answers = [record for record in records if record.kind == "ok" and record.received_bytes > 9_000_000]
    assert len(answers) == 1


def test_pixels_are_in_the_units_the_contract_says(patch: Patch) -> None:
    seen = patch.s2 > 0
    assert seen.mean() > 0.99
    assert 300 < np.median(patch.s2[:, 3][seen[:, 3]]) < 5000, "red reflectance x 10,000, no baseline offset"
    measured = patch.s1[patch.s1 != S1_NODATA]
    assert measured.size > 0.99 * patch.s1.size
    assert -30 < np.median(measured) < 0, "backscatter in dB"


def test_what_is_masked_never_reads_as_class_0(patch: Patch) -> None:
    labels = set(np.unique(patch.dw))
    assert labels <= {*range(9), 255}
    assert (patch.dw != 255).mean() > 0.3
    assert (patch.dw == 0).mean() < 0.5, "the patch is mostly land"


def test_fine_bands_on_their_own_grid_are_not_resampled(
    source: EarthEngineSource, matches: list[SeasonMatch], patch: Patch
) -> None:
    """Bilinear and nearest agree at 10 m where the scene lies in the patch's zone, and differ at 20 m."""
    crisp = fetch_patch(MILAN, matches, ExportSettings(optical_resampling="nearest"), source)
    zone = str(MILAN.grid.epsg)[-2:]
    own = [match.season for match in matches if match.s2_tile is not None and match.s2_tile[:2] == zone]
    assert own
    np.testing.assert_array_equal(crisp.s2[own, 1:4], patch.s2[own, 1:4])
    assert (crisp.s2[own, 4] != patch.s2[own, 4]).any()


def test_class_probabilities_come_as_bytes_that_agree_with_the_labels(
    source: EarthEngineSource, matches: list[SeasonMatch], patch: Patch
) -> None:
    soft = fetch_patch(MILAN, matches, ExportSettings(dw_probabilities=True), source)
    assert soft.dw_prob is not None
    np.testing.assert_array_equal(soft.dw, patch.dw)
    assert not soft.dw_prob.any(axis=1)[soft.dw == 255].any()
    assert (soft.dw_prob.argmax(axis=1) == soft.dw)[soft.dw != 255].mean() > 0.9, "but for ties"


def test_a_location_asked_for_in_pieces_is_the_same(
    source: EarthEngineSource, matches: list[SeasonMatch], patch: Patch
) -> None:
    pieces = fetch_patch(MILAN, matches, ExportSettings(request_bands=16), source)
    for name in ("s2", "s1", "dw"):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(patch, name))
