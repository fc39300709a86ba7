"""What the names and properties of Earth Engine scenes tell, of images that were saved beside them."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from pipeline.importers.imported import NotImportableError
from pipeline.schema.grid import utm_epsg
from pipeline.schema.records import SeasonMatch

S2: Final = "COPERNICUS/S2_HARMONIZED"
"""Where the scenes of the deprecated COPERNICUS/S2 are found today, under the same system:index and, once the offset of
baseline 04.00 is taken off, with the same values (Earth Engine catalogue, COPERNICUS/S2)."""
S1: Final = "COPERNICUS/S1_GRD"
DW: Final = "GOOGLE/DYNAMICWORLD/V1"

_S2_INDEX: Final = re.compile(
    r"(?P<time>\d{8}T\d{6})_\d{8}T\d{6}_"
    r"T(?P<tile>(?P<zone>0[1-9]|[1-5]\d|60)(?P<band>[C-X])[A-Z]{2})"
)
_S1_INDEX: Final = re.compile(r"S1[A-D]_[A-Z]{2}_[A-Z0-9]{4}_\w{4}_(?P<time>\d{8}T\d{6})_.+")

Number = TypeVar("Number", int, float)

Properties = Mapping[str, Any]
"""Of one scene, as metadata.json holds them; empty where there is none."""


@dataclass(frozen=True)
class Scene:
    """A scene that was saved: its name, its time, and what else is known of it."""

    index: str
    """Earth Engine's system:index."""
    time: datetime
    properties: Properties


def s2_scene(index: str, properties: Properties) -> Scene:
    """A Sentinel-2 scene by its system:index; NotImportableError where neither index nor properties tell its time."""
    with _told(index):
        return _scene(index, properties, _S2_INDEX)


def s1_scene(index: str, properties: Properties) -> Scene:
    """A Sentinel-1 scene by its system:index; NotImportableError where neither index nor properties tell its time."""
    with _told(index):
        return _scene(index, properties, _S1_INDEX)


def s2_zone(scene: Scene) -> int | None:
    """EPSG code of the UTM zone of the scene's tile; None where its index does not tell it."""
    found = _S2_INDEX.fullmatch(scene.index)
    if found is None:
        return None
    return (32600 if found["band"] >= "N" else 32700) + int(found["zone"])


def baseline_of(scene: Scene) -> str | None:
    """The processing baseline, for example '02.09'; None where it is not known."""
    return _text(scene.properties.get("PROCESSING_BASELINE"))


def season_match(location_id: str, season: int, s2: Scene, s1: Scene, *, labelled: bool) -> SeasonMatch:
    """The scenes of one season as a build would have matched them.

    The Dynamic World image is the one with the system:index of the Sentinel-2 scene (Brown et al. 2022, 'Data
    records'), where there are labels at all. Raises NotImportableError where a property is no number.
    """
    tile = _S2_INDEX.fullmatch(s2.index)
    with _told(s2.index):
        cloud = _number(s2.properties.get("CLOUDY_PIXEL_PERCENTAGE"), float)
        s2_orbit = _number(s2.properties.get("SENSING_ORBIT_NUMBER"), int)
    with _told(s1.index):
        s1_orbit = _number(s1.properties.get("relativeOrbitNumber_start"), int)
    return SeasonMatch(
        location_id=location_id,
        season=season,
        s2_id=f"{S2}/{s2.index}",
        s2_time=s2.time,
        s2_cloud_pct=cloud,
        s2_baseline=baseline_of(s2),
        s2_tile=_text(s2.properties.get("MGRS_TILE")) or (tile["tile"] if tile else None),
        s1_id=f"{S1}/{s1.index}",
        s1_time=s1.time,
        s1_orbit_pass=_text(s1.properties.get("orbitProperties_pass")),
        s1_relative_orbit=s1_orbit,
        dw_id=f"{DW}/{s2.index}" if labelled else None,
        s2_relative_orbit=s2_orbit,
        s2_platform=_text(s2.properties.get("SPACECRAFT_NAME")),
        s1_platform=s1.index[:3] if s1.index[:2] == "S1" else None,
    )


def zone_of(scenes: list[Scene], lon_deg: float, lat_deg: float) -> int:
    """EPSG code of the zone whose pixels were saved: that of most scenes' tiles, else the place's own."""
    zones = [zone for scene in scenes if (zone := s2_zone(scene)) is not None]
    return max(sorted(set(zones)), key=zones.count) if zones else utm_epsg(lon_deg, lat_deg)


def _scene(index: str, properties: Properties, form: re.Pattern[str]) -> Scene:
    found = form.fullmatch(index)
    stamp = properties.get("system:time_start")
    if isinstance(stamp, (int, float)) and not isinstance(stamp, bool):
        return Scene(index, datetime.fromtimestamp(stamp / 1000, UTC), properties)
    if found is None:
        raise NotImportableError("scene without a time", f"{index} is no scene's name and has no metadata")
    return Scene(index, datetime.strptime(found["time"], "%Y%m%dT%H%M%S").replace(tzinfo=UTC), properties)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(value: Any, kind: Callable[[Any], Number]) -> Number | None:
    return None if value is None else kind(value)


@contextmanager
def _told(index: str) -> Iterator[None]:
    """Tell a scene's properties or name that are no numbers or no date."""
    try:
        yield
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise NotImportableError("strange metadata", f"{index}: {error}") from error
