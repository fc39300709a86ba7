"""The files of a published tile data set by tile, read from a folder, a zip, or a folder of zips without unpacking."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pipeline.files import storage_reason
from pipeline.importers.archives import (
    DamagedArchiveError,
    UnsafeArchiveError,
    ZipFolder,
    entries,
    is_archive,
    refuse_lmdb,
)
from pipeline.importers.tile_layout import TileLayout
from pipeline.importers.tile_raster import BadTileError
from pipeline.schema.errors import UsageError
from pipeline.schema.tiles import DroppedTile, Split

STAGE: Final = "import"
"""What the records of dropped tiles call the import."""


@dataclass(frozen=True)
class SourceFile:
    """One file of the data set."""

    name: str
    """Path in the source; of several zips with the zip's name first."""
    size: int
    read: Callable[[], bytes]


@dataclass(frozen=True)
class FoundTile:
    """One tile as it lies in the source."""

    tile_id: str
    split: Split
    files: dict[str, SourceFile] = field(default_factory=dict)
    """By role."""


class TileFiles:
    """A source that stays open while tiles are read from it; use as a context manager."""

    def __init__(self, source: Path, layout: TileLayout) -> None:
        """Find all tiles; raises UsageError where there are none, UnsafeArchiveError where an archive is one."""
        self._open = ExitStack()
        self.tiles: tuple[FoundTile, ...] = ()
        """By split and id."""
        self.dropped: tuple[DroppedTile, ...] = ()
        """Those of which it is not known which file counts."""
        try:
            self._gather(self._listed(source, layout), layout)
            self._require_tiles(source, layout)
        except BaseException:
            self._open.close()
            raise

    def __enter__(self) -> Self:
        """It is open already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Close the archives."""
        self._open.close()

    def _require_tiles(self, source: Path, layout: TileLayout) -> None:
        if not self.tiles and self.dropped:
            both = self.dropped[0].detail
            raise UsageError(
                f"{source} holds every tile twice, first {both}; name the zip or the folder that it unpacks to"
            )
        if not self.tiles:
            raise UsageError(f"{source} holds no tile of {layout.name}; expected files such as {layout.example}")

    def _listed(self, source: Path, layout: TileLayout) -> list[SourceFile]:
        if not source.exists():
            raise UsageError(f"{source} is not there; name the folder or the zip that was downloaded")
        refuse_lmdb(source)
        if not source.is_dir():
            return self._of_zip(source, "")
        zips = sorted(path for path in source.iterdir() if is_archive(path))
        files = [file for path in zips for file in self._of_zip(path, f"{path.name}/")]
        wanted = entries(source, lambda name: layout.place(name) is not None)
        return files + [SourceFile(entry.name, entry.size, entry.read) for entry in wanted]

    def _of_zip(self, path: Path, prefix: str) -> list[SourceFile]:
        if path.suffix.lower() != ".zip":
            raise UsageError(f"{path} is no zip: tiles are read in another order than a tar has them; unpack it first")
        archive = self._open.enter_context(ZipFolder(path))
        return [SourceFile(f"{prefix}{name}", archive.size(name), _reader(archive, name)) for name in archive.names()]

    def _gather(self, files: Iterable[SourceFile], layout: TileLayout) -> None:
        found: dict[tuple[Split, str], FoundTile] = {}
        doubled: dict[tuple[Split, str], str] = {}
        for file in files:
            placed = layout.place(file.name)
            if placed is None:
                continue
            key = (placed.split, placed.tile_id)
            tile = found.setdefault(key, FoundTile(placed.tile_id, placed.split))
            if placed.role in tile.files:
                doubled[key] = f"{tile.files[placed.role].name} and {file.name}"
            tile.files.setdefault(placed.role, file)
        for split, tile_id in [key for key in found if key[0] == "train" and ("test", key[1]) in found]:
            doubled[split, tile_id] = "it is in the test split too, and stays there only"
        self.tiles = tuple(found[key] for key in sorted(found) if key not in doubled)
        self.dropped = tuple(
            DroppedTile(key[1], key[0], STAGE, "there twice", why) for key, why in sorted(doubled.items())
        )


def read_files(tile: FoundTile) -> dict[str, bytes]:
    """The bytes of a tile's files by role; BadTileError where one cannot be read."""
    data = {}
    for role, file in tile.files.items():
        try:
            data[role] = file.read()
        except UnsafeArchiveError:
            raise
        except (DamagedArchiveError, OSError) as error:
            # An archive's own words tell where on this machine it lies; the reason is published.
            why = storage_reason(error.__cause__ or error)
            raise BadTileError("file cannot be read", f"{file.name}: {why}") from error
    return data


def _reader(archive: ZipFolder, name: str) -> Callable[[], bytes]:
    return lambda: archive.read(name)
