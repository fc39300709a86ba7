"""Credentials of Earth Engine, and one cheap request with them."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from pipeline.doctor.finding import Finding, Health
from pipeline.schema.errors import FailureKind, NoldoError, SourceError
from pipeline.schema.grid import patch_grid
from pipeline.schema.records import TimeWindow
from pipeline.sources.earthengine import (
    EarthEngineSource,
    EarthEngineSpec,
    credentials_found,
    emulator_spec,
    is_loopback,
)
from pipeline.sources.protocol import SceneLimits, SceneSlot
from pipeline.sources.retry import RetryPolicy

PLACE: Final = (11.58, 48.14)
"""Longitude and latitude of Munich, which all three collections cover."""

WINDOW: Final = TimeWindow(
    datetime(2020, 7, 1, tzinfo=UTC), datetime(2020, 8, 1, tzinfo=UTC), datetime(2020, 7, 16, tzinfo=UTC)
)

ONCE_MORE: Final = RetryPolicy(attempts=2, base_s=0.5)
TIMEOUT_S: Final = 30.0
"""Whoever asks what is wrong wants to hear it soon."""

OFFLINE_ADVICE: Final = (
    "check the network, and HTTPS_PROXY where it goes through a proxy; recipes with the source emulator need no network"
)


def check_credentials(*, wanted: bool) -> Finding:
    """Where the credentials are; none are a problem only where Earth Engine is `wanted`."""
    try:
        found = credentials_found()
    except NoldoError as error:
        what, _, advice = str(error).partition("; ")
        health = Health.PROBLEM if wanted else Health.NOTE
        return Finding("Credentials", health, what, f"{advice}; the emulator needs none")
    return Finding("Credentials", Health.OK, f"of Earth Engine: {found}")


def check_call(url: str, project: str | None) -> Finding:
    """Whether Earth Engine at `url` finds the scenes of one place for `project`."""
    if is_loopback(url):
        spec = emulator_spec(url)
    elif project is None:
        advice = "give --project MY-PROJECT to have the scenes of one place looked up"
        return Finding("Earth Engine", Health.NOTE, "not asked: no project was given", advice)
    else:
        spec = EarthEngineSpec(url, project)
    spec = replace(spec, retry=ONCE_MORE, timeout_s=TIMEOUT_S)
    slot = SceneSlot("doctor", 0, patch_grid(*PLACE), WINDOW)
    began = time.monotonic()
    try:
        (scenes,) = EarthEngineSource(spec, stage="doctor").find_scenes([slot], SceneLimits(20.0, 4))
    except NoldoError as error:
        return _failed(url, error)
    seconds = time.monotonic() - began
    if scenes.failure is not None:
        return _failed(url, scenes.failure)
    count = f"{len(scenes.s2)} Sentinel-2 and {len(scenes.s1)} Sentinel-1 scenes of one place"
    return Finding("Earth Engine", Health.OK, f"{url} answered in {seconds:.1f} s: {count}")


def _failed(url: str, error: NoldoError) -> Finding:
    what, _, advice = str(error).rpartition("; ")
    lasting = not isinstance(error, SourceError) or error.kind is FailureKind.PERMANENT
    if not lasting and not is_loopback(url):
        advice = OFFLINE_ADVICE
    return Finding("Earth Engine", Health.PROBLEM, what or str(error), advice if what else "")
