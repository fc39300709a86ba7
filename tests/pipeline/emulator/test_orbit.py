"""Ground tracks repeat as the real satellites' do."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from pipeline.emulator.catalogue_s1 import ORBITS
from pipeline.emulator.catalogue_s2 import SATELLITES

START = datetime(2021, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", ["Sentinel-2A", "Sentinel-2B"])
def test_a_place_is_passed_again_after_ten_days_on_the_same_relative_orbit(name: str) -> None:
    orbit = SATELLITES[name]
    passes = orbit.passes_near(15.0, 45.0, 145.0, START, START + timedelta(days=40))
    by_orbit: dict[int, list[datetime]] = {}
    for one, _, _ in passes:
        by_orbit.setdefault(orbit.relative_orbit(one.revolution), []).append(one.node_time)
    assert by_orbit
    for times in by_orbit.values():
        gaps = np.diff([t.timestamp() for t in times])
        assert np.allclose(gaps, 10 * 86400, atol=1.0)


def test_the_two_satellites_together_return_after_five_days() -> None:
    times = sorted(
        one.node_time.timestamp()
        for orbit in SATELLITES.values()
        for one, right_km, _ in orbit.passes_near(2.0, 10.0, 145.0, START, START + timedelta(days=60))
        if orbit.relative_orbit(one.revolution) == _first_orbit(2.0, 10.0)
    )
    assert np.allclose(np.diff(times), 5 * 86400, atol=1.0)


def _first_orbit(lon: float, lat: float) -> int:
    orbit = SATELLITES["Sentinel-2A"]
    return orbit.relative_orbit(orbit.passes_near(lon, lat, 145.0, START, START + timedelta(days=12))[0][0].revolution)


def test_passes_cross_the_equator_at_their_local_hour() -> None:
    for orbit, hour in ((SATELLITES["Sentinel-2A"], 10.5), (ORBITS["A", True], 18.0), (ORBITS["A", False], 6.0)):
        for revolution in (-7, 0, 5, 1000):
            one = orbit.at(revolution)
            utc = one.node_time.hour + one.node_time.minute / 60 + one.node_time.second / 3600
            assert abs((utc + one.node_lon_deg / 15.0 - hour + 12) % 24 - 12) < 0.01


def test_swaths_leave_no_gap_at_the_equator() -> None:
    orbit = SATELLITES["Sentinel-2A"]
    for lon in np.linspace(-180, 180, 60):
        assert orbit.passes_near(float(lon), 0.0, 145.0, START, START + timedelta(days=10))


def test_the_radar_looks_to_the_right() -> None:
    ascending = ORBITS["A", True]
    nadir, _, azimuth = ascending.ground(np.array([100.0]), 0.0)
    swath, _, _ = ascending.ground(np.array([100.0]), 470.0)
    assert -30 < azimuth[0] < 0
    assert swath[0] > nadir[0]
    descending = ORBITS["A", False]
    assert descending.ground(np.array([100.0]), 470.0)[0][0] < descending.ground(np.array([100.0]), 0.0)[0][0]
