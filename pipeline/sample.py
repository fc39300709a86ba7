"""Where to look: locations sampled around cities or within polygons, or read from a list."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from pipeline.sampling.cities import REACH_SIGMAS, draw_around, most_populated, named_cities
from pipeline.sampling.location_list import read_locations
from pipeline.sampling.metadata_list import names_scenes
from pipeline.sampling.placing import take
from pipeline.sampling.region import Region, read_region
from pipeline.sampling.regular import every_patch
from pipeline.schema.errors import UsageError
from pipeline.schema.records import Location
from pipeline.schema.strict import Strict

FILE_KEYS = ("from", "ids", "within")
"""Keys that name a file; its content decides the locations, its path does not."""


def _listed(names: Any) -> Any:
    return [names] if isinstance(names, str) else names


class SampleSettings(Strict):
    """Either `count` locations around cities or within polygons, or the locations of a list (`from`)."""

    count: int | None = Field(default=None, gt=0)
    """Locations to sample."""
    seed: int = Field(default=0, ge=0)
    """Seed of the draw."""
    cities: int = Field(default=10_000, gt=0)
    """How many of the most populated cities to sample around (SSL4EO-S12: 10,000)."""
    around: Annotated[tuple[str, ...], BeforeValidator(_listed)] = Field(default=(), exclude_if=lambda names: not names)
    """Around these cities instead, one or a list: 'Munich', of several the most populated; 'Cordoba, ES'."""
    sigma_km: float = Field(default=50.0, gt=0)
    """Standard deviation of the Gaussian offset from the city, per axis (SSL4EO-S12: 50 km)."""
    within: Path | None = None
    """Polygons that hold every patch wholly: GeoJSON, GeoPackage, FlatGeobuf or GeoParquet."""
    place: Literal["cities", "uniform", "grid"] = "cities"
    """Around cities; or evenly over `within`; or on a regular grid over `within`, all of it without a `count`."""
    from_: Path | None = Field(default=None, alias="from")
    """A list of locations: CSV, SSL4EO-S12 v1.1's metadata, or points or footprints in a vector file."""
    ids: Path | None = None
    """Choose these of the list: a file with one id a line, or a CSV file with a column 'id'."""
    limit: int | None = Field(default=None, gt=0)
    """Take only this many of the list, in the order of their ids."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.from_ is not None:
            if self.count is not None or self.within is not None or self.place != "cities":
                raise ValueError("'from' reads a list, so leave out 'count', 'within' and 'place'; 'limit' takes fewer")
            if self.around:
                raise ValueError("'from' reads a list, so leave out 'around'")
            return self
        named_cities(self.around)  # a name that is not known is told before anything is started
        if self.around and self.place != "cities":
            raise ValueError(f"'around' is of cities and 'place: {self.place}' is not; leave one of them out")
        if self.limit is not None or self.ids is not None:
            raise ValueError("'limit' and 'ids' go with 'from'; use 'count' to sample around cities")
        if self.place != "cities" and self.within is None:
            raise ValueError(f"'place: {self.place}' needs polygons; name their file with 'within'")
        if self.count is None and self.place != "grid":
            raise ValueError("give either 'count' (sample around cities or within polygons) or 'from' (read a list)")
        return self


@dataclass(frozen=True)
class Sampled:
    """The locations of a data set, in the order of their ids."""

    locations: list[Location]
    notes: list[str]
    """What a user should know of them, a plain line each: ids that were not found, patches that overlap."""


def sample(settings: SampleSettings) -> list[Location]:
    """The locations of a data set, in the order of their ids."""
    return sample_with_notes(settings).locations


def sample_with_notes(settings: SampleSettings) -> Sampled:
    """The locations and what to know of them; UsageError where a file is wrong or there is no room for the count."""
    if settings.from_ is not None:
        return Sampled(*read_locations(settings.from_, limit=settings.limit, ids=settings.ids))
    return Sampled(_sample(settings), [])


def listed_files(settings: SampleSettings) -> dict[str, Path]:
    """The files that the settings name, by key."""
    files = {"from": settings.from_, "ids": settings.ids, "within": settings.within}
    return {key: path for key, path in files.items() if path is not None}


def scene_list(settings: SampleSettings) -> Path | None:
    """The list, where it names Sentinel-2 scenes by time and tile as SSL4EO-S12 v1.1's metadata does; else None."""
    return settings.from_ if settings.from_ is not None and names_scenes(settings.from_) else None


def _sample(settings: SampleSettings) -> list[Location]:
    region = None if settings.within is None else read_region(settings.within)
    if settings.place == "grid" and region is not None:
        found = every_patch(region, settings.count, settings.seed)
    elif settings.place == "uniform" and region is not None:
        found = take(region.draw_evenly(settings.seed), settings.count or 0, region.holds_patch)
    else:
        found = _around_cities(settings, region)
    if len(found) < (settings.count or 1):
        raise _no_room(settings, len(found))
    return found


def _no_room(settings: SampleSettings, room: int) -> UsageError:
    named = ", ".join(settings.around)
    cities = f"around {named or f'{settings.cities} cities'} at sigma_km {settings.sigma_km:g}"
    if settings.within is None:
        where, advice = cities, f"{'name more cities' if named else 'raise sample.cities'} or raise sample.sigma_km"
    elif settings.place == "cities":
        where, advice = f"within {settings.within} {cities}", "set sample.place to uniform, or widen the polygons"
    else:
        where, advice = f"within {settings.within}", "widen the polygons"
    return UsageError(
        f"sample: room for only {room} of {settings.count or 1} patches of 2.64 km {where}; "
        f"lower sample.count, or {advice}"
    )


def _around_cities(settings: SampleSettings, region: Region | None) -> list[Location]:
    cities = named_cities(settings.around) if settings.around else most_populated(settings.cities)
    sigma_m = settings.sigma_km * 1000.0
    if region is None:
        return take(draw_around(cities, sigma_m, settings.seed), settings.count or 0)
    near = region.near(cities, REACH_SIGMAS * sigma_m)
    if not len(near):
        raise UsageError(
            f"sample.within: none of {', '.join(settings.around) or f'the {settings.cities} most populated cities'} "
            f"is near {settings.within}; use 'place: uniform', or name or count other cities"
        )
    return take(draw_around(near, sigma_m, settings.seed), settings.count or 0, region.holds_patch)
