"""Scenes with something wrong with them, of the emulator's making, told from sound ones by their pixels."""

import numpy as np
import pytest

from pipeline.emulator.planet_spec import PlanetSpec
from pipeline.emulator.server import EmulatorServer
from pipeline.export import ExportSettings, fetch_patch
from pipeline.match import match_part
from pipeline.quality import QualitySettings, assess
from pipeline.schema.grid import patch_grid
from pipeline.schema.records import Location, Patch, QualityRecord, SeasonMatch
from pipeline.season_windows import SeasonSettings
from pipeline.sources.earthengine import EarthEngineSource, emulator_spec

SEED = 7
FLAWS = "offset:0.2,border:0.7,shift:0.5"
PLACES = [(2.35, 48.85), (-58.4, -34.6), (11.98, 45.4), (18.42, -33.92), (-99.1, 19.4), (31.2, 30.05)]


@pytest.fixture(scope="module")
def judged() -> list[tuple[QualityRecord, Patch, list[SeasonMatch]]]:
    """Every location with four whole seasons, judged from pixels of a planet with flaws."""
    places = [
        Location(f"p{i}{j}", lon + 0.35 * j, lat, patch_grid(lon + 0.35 * j, lat, 132))
        for i, (lon, lat) in enumerate(PLACES)
        for j in range(5)
    ]
    with EmulatorServer(PlanetSpec(SEED, flaws=FLAWS).world()) as server:
        source = EarthEngineSource(emulator_spec(server.url), "test")
        matches = match_part(places, SeasonSettings(), source)
        found = []
        for at, place in enumerate(places):
            four = matches[4 * at : 4 * at + 4]
            if not any(match.lacks for match in four):
                patch = fetch_patch(place, four, ExportSettings(), source)
                found.append((assess(patch, QualitySettings(s1_max_shift_m=12)), patch, four))
    return found


def test_every_flaw_is_found_and_no_sound_scene_is_accused(
    judged: list[tuple[QualityRecord, Patch, list[SeasonMatch]]],
) -> None:
    spec = PlanetSpec(SEED, flaws=FLAWS)
    counts = {"offset": 0, "border": 0, "shift": 0, "sound": 0}
    for record, patch, matches in judged:
        lacking = {(lack.season, lack.what) for lack in record.lacking}
        for season, match in enumerate(matches):
            wrong = {**spec.flaws_of(str(match.s2_id)), **spec.flaws_of(str(match.s1_id))}
            noisy = ((patch.s1[season, 0] < -34.9) & (patch.s1[season, 0] > -100)).mean()
            assert ((season, "S2 offset") in lacking) == ("offset" in wrong)
            accused = (season, "S1 border noise") in lacking
            assert accused <= (noisy > 0.01)
            assert accused or noisy < 0.02, "the rim of a strip may be lost, no more"
            assert noisy < 0.001 or "border_m" in wrong
            shift = record.s1_shift[season]
            if noisy == 0.0 and shift.confidence >= 10:
                east, south = wrong.get("shift_px", (0, 0))
                assert np.hypot(shift.east_m - 10 * east, shift.south_m - 10 * south) < 12
                counts["shift"] += "shift_px" in wrong
            counts["offset"] += "offset" in wrong
            counts["border"] += bool(noisy > 0.01)
            counts["sound"] += not wrong
    assert min(counts.values()) >= 2, f"too few of a kind to prove anything: {counts}"


def test_the_reasons_of_flawed_locations_are_told(judged: list[tuple[QualityRecord, Patch, list[SeasonMatch]]]) -> None:
    reasons = {record.reason for record, _, _ in judged}
    assert "S2 offset" in reasons
    assert all((record.reason == "") == record.kept for record, _, _ in judged)
