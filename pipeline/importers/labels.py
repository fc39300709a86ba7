"""The labels of NoLDO-S12's pretraining set, ssl4eo_s12_nol.zip: <id>/<season>/label.tif and a list of ids."""

import re
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from pipeline.importers.archives import DamagedArchiveError, ZipFolder
from pipeline.importers.geotiff import read_raster
from pipeline.importers.imported import MAX_FILE_BYTES, PATCH_SHAPE, NotImportableError
from pipeline.sampling.id_list import listed_scenes
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PATCH_PX
from pipeline.schema.landcover import IGNORE, N_DW_CLASSES
from pipeline.schema.records import N_SEASONS

_LABEL: Final = re.compile(r"(?:.*/)?(?P<id>[^/]+)/(?P<season>[^/]+)/label\.tif")
_LIST: Final = re.compile(r"(?:.*/)?[^/]*\.csv")


class LabelArchive:
    """The labels of locations by id; use as a context manager."""

    def __init__(self, path: Path) -> None:
        """Read the list of ids, if there is one, and where every label lies; UsageError where there are none."""
        if not path.is_file():
            raise UsageError(f"{path} is not there; give the file ssl4eo_s12_nol.zip, as it was published")
        self._path = path
        self._zip = ZipFolder(path)
        self._names: dict[str, dict[str, str]] = {}
        self._order: dict[str, tuple[str, ...]] = {}
        try:
            for name in self._zip.names():
                found = _LABEL.fullmatch(name)
                if found is not None:
                    self._add(found["id"], found["season"], name)
                elif _LIST.fullmatch(name):
                    self._order.update(listed_scenes(self._zip.read(name)))
            if not self._names:
                raise UsageError(f"{path} holds no <id>/<season>/label.tif; give ssl4eo_s12_nol.zip, as published")
            self._ids = frozenset(self._names)
        except BaseException:
            self._zip.__exit__(None, None, None)
            raise

    def __enter__(self) -> Self:
        """It is open already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Close the file."""
        self._zip.__exit__(kind, error, tb)

    def ids(self) -> frozenset[str]:
        """Every location with labels."""
        return self._ids

    def order(self, location_id: str, scenes: Sequence[str]) -> list[int]:
        """Which scene makes season 0, 1, 2 and 3: as the list of ids says, else as the scenes stand.

        `scenes` are the names of the four Sentinel-2 scenes in order of time. Raises NotImportableError where the
        labels are those of other scenes.
        """
        listed = self._order.get(location_id, ())
        if set(listed) == set(scenes):
            return [scenes.index(name) for name in listed]
        self._season_names(location_id, scenes)
        return list(range(N_SEASONS))

    def read(self, location_id: str, scenes: Sequence[str]) -> NDArray[np.uint8]:
        """(4, 264, 264) classes 0..8 or IGNORE of the scenes, in their order; the numbers as they are stored.

        Folders are named by Sentinel-2 scene, or 0 to 3 in order of time. Raises NotImportableError where a label is
        missing, of another shape, or holds anything else.
        """
        names = self._season_names(location_id, scenes)
        return np.stack([self._label(name) for name in names])

    def _add(self, location_id: str, season: str, name: str) -> None:
        first = self._names.setdefault(location_id, {}).setdefault(season, name)
        if first != name:
            raise UsageError(
                f"{self._path} holds the label of {location_id}, season {season}, twice: {first} and {name}"
            )

    def _season_names(self, location_id: str, scenes: Sequence[str]) -> list[str]:
        by_season = self._names.get(location_id)
        if by_season is None:
            raise NotImportableError("no labels", f"{self._path.name} has none of it")
        numbers = [str(season) for season in range(N_SEASONS)]
        keys = numbers if set(by_season) == set(numbers) else scenes
        missing = [key for key in keys if key not in by_season]
        if missing:
            has = ", ".join(sorted(by_season))
            raise NotImportableError("label of another scene", f"there is no label of {missing[0]}, only of {has}")
        return [by_season[key] for key in keys]

    def _label(self, name: str) -> NDArray[np.uint8]:
        if self._zip.size(name) > MAX_FILE_BYTES:
            raise NotImportableError("unreadable file", f"{name} has {self._zip.size(name):,} bytes")
        try:
            raster = read_raster(self._zip.read(name), name, sides=(PATCH_PX,))
        except DamagedArchiveError as error:
            raise NotImportableError("unreadable file", f"{name}: {error.__cause__ or self._path.name}") from error
        values = raster.values
        assert values.shape == PATCH_SHAPE
        empty = np.zeros(PATCH_SHAPE, bool) if raster.nodata is None else values == raster.nodata
        valid = empty | np.isin(values, [*range(N_DW_CLASSES), IGNORE])
        if not valid.all():
            strange = values[~valid].flat[0]
            raise NotImportableError("strange label", f"{name} holds {strange}, expected 0..{N_DW_CLASSES - 1}")
        return np.where(empty, IGNORE, values).astype(np.uint8)
