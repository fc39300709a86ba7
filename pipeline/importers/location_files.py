"""The files of one location and sensor, gathered from archives that stream by and joined with the other sensor's."""

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pipeline.importers.archives import DamagedArchiveError, Entry, entries
from pipeline.importers.imported import MAX_FILE_BYTES, Problem

Sensor = Literal["s1", "s2"]

HELD: Final = 16
"""Locations of one sensor held in memory while the other's have not come by; further ones wait on the disk. Sentinel-2
of one location is 2 to 8 MB."""

MAX_FILES: Final = 200
"""Files of one location and sensor; the published sets have 56."""

_FILE: Final = re.compile(
    r"(?:.*/)?(?P<id>[^/]+)/(?P<product>[^/]+)/(?P<file>(?:B(?:[1-9]|1[0-2]|8A)|VV|VH)\.tif|metadata\.json)"
)

_OTHER_LEVEL: Final = re.compile(r"(^|/)(s2a|s2_l2a)(/|$)")
"""Surface reflectance, which lies beside in the published set and is not read."""


@dataclass(frozen=True)
class LocationFiles:
    """All files of one location and sensor."""

    location_id: str
    sensor: Sensor
    where: str
    """The archive or folder."""
    products: Mapping[str, Mapping[str, bytes]]
    """By scene and then by file name."""


def location_files(source: Path, wanted: Callable[[str], bool] = lambda _: True) -> Iterator[LocationFiles | Problem]:
    """The files of every location whose id is wanted, of one archive or folder, as they come by.

    A location's files stand together in the archive. Where the archive is cut short, what was whole has been handed
    over and a Problem is the last. Raises UnsafeArchiveError as `entries` does.
    """
    gathered: list[tuple[Entry, bytes]] = []
    key = ""
    try:
        for entry in entries(source, lambda name: _is_wanted(name, wanted)):
            found = _FILE.fullmatch(entry.name)
            assert found is not None
            place = entry.name[: found.start("product")]
            if gathered and place != key:
                yield _group(gathered, source)
                gathered = []
            key = place
            if len(gathered) < MAX_FILES:
                gathered.append((entry, entry.read() if entry.size <= MAX_FILE_BYTES else b""))
    except DamagedArchiveError as error:
        left = f"; {key.rstrip('/')} and what comes after it is left out" if key else ""
        yield Problem(str(source), "", "damaged archive", f"{error}{left}")
        return
    if gathered:
        yield _group(gathered, source)


def paired(
    streams: Sequence[Iterator[LocationFiles | Problem]], spool: Path
) -> Iterator[tuple[LocationFiles, LocationFiles] | Problem]:
    """(Sentinel-2, Sentinel-1) of every location that has both, as soon as the second has come by.

    The streams are read in turn. What waits for its partner does so in memory, or in the folder `spool` where many do.
    """
    waiting = {"s1": Waiting(spool / "s1"), "s2": Waiting(spool / "s2")}
    met: set[tuple[str, Sensor]] = set()
    open_streams = list(streams)
    while open_streams:
        for stream in tuple(open_streams):
            files = next(stream, None)
            if files is None:
                open_streams.remove(stream)
            elif isinstance(files, Problem):
                yield files
            elif (files.location_id, files.sensor) in met:
                yield Problem(files.where, files.location_id, "doubled id", "its files come again; the first were read")
            else:
                met.add((files.location_id, files.sensor))
                partner = waiting["s1" if files.sensor == "s2" else "s2"].take(files.location_id)
                if partner is None:
                    waiting[files.sensor].put(files)
                else:
                    yield (files, partner) if files.sensor == "s2" else (partner, files)
    for sensor, name in (("s2", "no S1 images"), ("s1", "no S2 images")):
        for location_id, where in waiting[sensor].left().items():
            yield Problem(where, location_id, name, "its partner is in none of the archives")


class Waiting:
    """Files of locations by id: a few in memory, the others in a folder of their own."""

    def __init__(self, folder: Path, held: int = HELD) -> None:
        """The folder is made when it is needed."""
        self._folder, self._held = folder, held
        self._here: dict[str, LocationFiles] = {}
        self._there: dict[str, tuple[str, Sensor]] = {}

    def put(self, files: LocationFiles) -> None:
        """Keep one location's files."""
        if len(self._here) < self._held:
            self._here[files.location_id] = files
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(self._path(files.location_id), "w") as kept:
            for product, by_name in files.products.items():
                for name, data in by_name.items():
                    kept.writestr(f"{product}/{name}", data)
        self._there[files.location_id] = (files.where, files.sensor)

    def take(self, location_id: str) -> LocationFiles | None:
        """One location's files, which are then no longer kept; None where they are not here."""
        if location_id in self._here:
            return self._here.pop(location_id)
        if location_id not in self._there:
            return None
        where, sensor = self._there.pop(location_id)
        products: dict[str, dict[str, bytes]] = {}
        with zipfile.ZipFile(self._path(location_id)) as kept:
            for info in kept.infolist():
                product, _, name = info.filename.partition("/")
                products.setdefault(product, {})[name] = kept.read(info)
        self._path(location_id).unlink()
        return LocationFiles(location_id, sensor, where, products)

    def left(self) -> dict[str, str]:
        """(id, where) of all that are still here, by id."""
        found = {i: f.where for i, f in self._here.items()} | {i: where for i, (where, _) in self._there.items()}
        return dict(sorted(found.items()))

    def _path(self, location_id: str) -> Path:
        return self._folder / f"{location_id}.zip"


def _is_wanted(name: str, wanted: Callable[[str], bool]) -> bool:
    found = _FILE.fullmatch(name)
    return found is not None and wanted(found["id"]) and _OTHER_LEVEL.search(name) is None


def _group(gathered: Sequence[tuple[Entry, bytes]], source: Path) -> LocationFiles:
    products: dict[str, dict[str, bytes]] = {}
    location_id = ""
    for entry, data in gathered:
        location_id, product, name = entry.name.split("/")[-3:]
        products.setdefault(product, {})[name] = data
    radar = any(name in ("VV.tif", "VH.tif") for by_name in products.values() for name in by_name)
    return LocationFiles(location_id, "s1" if radar else "s2", str(source), products)
