"""Staged raw pixels: one Zarr group a part, a row a location, every row written as soon as it is there.

A row is there once its chunk of every array is; the labels' comes last. A row whose chunk of labels is an empty file
was there and has been freed.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import zarr

from pipeline.files import (
    empty_files,
    file_sizes,
    is_local,
    let_go,
    make_folder,
    remove,
    remove_files,
    write_bytes,
    zarr_store,
)
from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.errors import DamagedError, NoldoError
from pipeline.schema.landcover import N_DW_CLASSES
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import N_SEASONS, Patch
from pipeline.staged_chunks import codecs, decoded, encoded
from pipeline.turns import turn

DIGEST_ATTRIBUTE: Final = "noldo:inputs"
"""Group attribute: digest of the inputs and parameters that made the part."""

IDS_ATTRIBUTE: Final = "location_ids"
"""Group attribute: location id of every row, in order."""

DIMENSIONS: Final = {
    "s2": ("location", "season", "s2_band", "y", "x"),
    "s1": ("location", "season", "s1_band", "y", "x"),
    "dw_prob": ("location", "season", "dw_class", "y", "x"),
    "dw": ("location", "season", "y", "x"),
}
"""Arrays in the order in which a row of them is written; dw_prob only where the recipe asks for it."""

DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "s2": np.dtype(np.uint16),
    "s1": np.dtype(np.float32),
    "dw_prob": np.dtype(np.uint8),
    "dw": np.dtype(np.uint8),
}

WRITING_OUT: Final = 4
"""Rows of a part that the system is given time to write out; of those before them it keeps nothing in memory. A build
stages hundreds of gigabytes, each row to be read once soon and once much later. Kept as long as there is room, they
would push out what others need, and finding ever new memory for them took a virtual machine a third of the CPU time."""

UNREADABLE: Final = (OSError, KeyError, IndexError, ValueError, RuntimeError)
"""What zarr raises for files that are missing, cut short or changed."""


@dataclass(frozen=True)
class TileForm:
    """What every row of a part holds."""

    height_px: int
    width_px: int
    dw_prob: bool = False
    """Whether it holds the nine class probabilities too."""

    @classmethod
    def of(cls, patch: Patch) -> "TileForm":
        """The form that a patch has."""
        return cls(patch.dw.shape[-2], patch.dw.shape[-1], patch.dw_prob is not None)

    def arrays(self) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
        """(shape, type) of every array of one row, in the order in which they are written."""
        bands = {"s2": len(S2_BANDS), "s1": len(S1_BANDS), "dw_prob": N_DW_CLASSES}
        size = (self.height_px, self.width_px)
        return {
            name: ((N_SEASONS, *((bands[name],) if name in bands else ()), *size), dtype)
            for name, dtype in DTYPES.items()
            if self.dw_prob or name != "dw_prob"
        }


@dataclass(frozen=True)
class TileRows:
    """Which rows of a part lie on the disk."""

    present: frozenset[int] = frozenset()
    """Every array has the row's chunk; its content is not looked at."""
    freed: frozenset[int] = frozenset()
    """Their pixels are gone, because they were packed."""


class TilePart:
    """A part that is being filled, by any number of threads; a row is written once and by one thread."""

    def __init__(self, path: AnyPath, group: zarr.Group) -> None:
        self._path = path
        self._ids: list[str] = list(_plain(group.attrs[IDS_ATTRIBUTE]))
        self._arrays = _arrays(group)
        self._written: deque[int] = deque()

    def write(self, row: int, patch: Patch) -> None:
        """Write one location's pixels; ValueError where they are not those of the row, or of another shape or type."""
        if patch.location_id != self._ids[row]:
            raise ValueError(f"row {row} is location {self._ids[row]}, not {patch.location_id}")
        found = {name: (value.shape, value.dtype) for name, value in _values(patch).items()}
        held = {name: (array.shape[1:], array.dtype) for name, array in self._arrays.items()}
        if found != held:
            raise ValueError(f"{patch.location_id} brings {_listed(found)}; the part holds {_listed(held)}")
        with turn():
            chunks = {name: encoded(value) for name, value in _values(patch).items()}
        for name, chunk in chunks.items():
            # Empty chunks are written too: a chunk that is not there is then always one that was never written.
            write_bytes(self._path / name / _chunk_key(name, row), chunk)
        self._written.append(row)
        self._let_go(row)
        if len(self._written) > WRITING_OUT:
            self._let_go(self._written.popleft())

    def _let_go(self, row: int) -> None:
        for name in self._arrays:
            let_go(self._path / name / _chunk_key(name, row))

    def sound(self, row: int) -> bool:
        """Whether a row reads back whole, every chunk's checksum included."""
        try:
            _read_row(self._path, self._ids, self._arrays, row)
        except NoldoError:
            return False
        return True

    def finish(self) -> None:
        """Remove what writers that were killed left under a temporary name."""
        for name in file_sizes(self._path):
            if name.endswith(".partial") or ".tmp-" in name:
                remove(self._path / name)


def open_tiles(path: AnyPath, location_ids: Sequence[str], form: TileForm, inputs: str) -> TilePart:
    """The part at `path` for these locations, a row each in order; goes on with one begun for the same inputs.

    Every row has the given form. What was made from other inputs, or was not begun properly, is
    removed first.
    """
    if not location_ids:
        raise ValueError("a tile part needs at least one location")
    begun = _begun(path, location_ids, form, inputs)
    if begun is not None:
        return TilePart(path, begun)
    remove(path)
    make_folder(path)
    group = zarr.create_group(
        zarr_store(path), zarr_format=3, attributes={DIGEST_ATTRIBUTE: inputs, IDS_ATTRIBUTE: list(location_ids)}
    )
    for name, (shape, dtype) in form.arrays().items():
        group.create_array(
            name,
            shape=(len(location_ids), *shape),
            chunks=(1, *shape),
            dtype=dtype,
            compressors=list(codecs(dtype)),
            dimension_names=DIMENSIONS[name],
            # One flat folder an array: a fifth of the folders that the default of nested ones makes.
            chunk_key_encoding={"name": "default", "separator": "."},
        )
    return TilePart(path, group)


def write_tiles(path: AnyPath, patches: Sequence[Patch], inputs: str) -> None:
    """Stage a whole part at once, in order; ValueError where there are no patches or they differ in shape or type."""
    if not patches:
        raise ValueError("a tile part needs at least one patch")
    part = open_tiles(path, [patch.location_id for patch in patches], TileForm.of(patches[0]), inputs)
    for row, patch in enumerate(patches):
        part.write(row, patch)


def read_tiles(path: AnyPath, rows: Sequence[int]) -> list[Patch]:
    """Patches of the given rows; DamagedError where the part, or one of those rows in it, is missing or damaged.

    NoldoError for a row that was freed.
    """
    return list(each_tile(path, rows))


def each_tile(path: AnyPath, rows: Iterable[int]) -> Iterator[Patch]:
    """Patches of the given rows, one at a time; raises as `read_tiles` does, at the row at fault."""
    try:
        group = zarr.open_group(zarr_store(path), mode="r")
        location_ids = list(_plain(group.attrs[IDS_ATTRIBUTE]))
        arrays = _arrays(group)
    except UNREADABLE as error:
        message = f"{path} cannot be read ({error}); delete it and run the build again"
        raise DamagedError(message, path) from error
    for row in rows:
        yield _read_row(path, location_ids, arrays, row)


def tile_inputs(path: AnyPath) -> str | None:
    """The inputs digest of a part, whole or begun, or None where there is none that can be read."""
    try:
        value = zarr.open_group(zarr_store(path), mode="r").attrs.get(DIGEST_ATTRIBUTE)
    except UNREADABLE as error:
        _raise_unless_absent(path, error)
        return None
    return value if isinstance(value, str) else None


def tile_rows(path: AnyPath) -> TileRows:
    """Which rows of a part are there, and which were freed; none where there is no part."""
    sizes = file_sizes(path)
    names = [name for name in DIMENSIONS if f"{name}/zarr.json" in sizes]
    if "dw" not in names:
        return TileRows()
    found = {name: dict(_chunk_sizes(sizes, name)) for name in names}
    freed = frozenset(row for row, size in found["dw"].items() if size == 0)
    present = frozenset.intersection(*(frozenset(rows) for rows in found.values()))
    return TileRows(present - freed, freed)


def free_rows(path: AnyPath, rows: Iterable[int]) -> None:
    """Give back the space of rows that are packed; that they were there stays known. Safe to repeat."""
    numbers = list(rows)
    # The marks first: a row without pixels and without its mark would be fetched again.
    empty_files(path / "dw" / _chunk_key("dw", row) for row in numbers)
    others = [name for name in DIMENSIONS if name != "dw"]
    remove_files(path / name / _chunk_key(name, row) for row in numbers for name in others)


def _begun(path: AnyPath, location_ids: Sequence[str], form: TileForm, inputs: str) -> zarr.Group | None:
    """The group at `path` where it is one for the same rows, else None."""
    try:
        group = zarr.open_group(zarr_store(path), mode="r+")
        same = group.attrs.get(DIGEST_ATTRIBUTE) == inputs and group.attrs.get(IDS_ATTRIBUTE) == list(location_ids)
        wanted = {name: ((len(location_ids), *shape), dtype) for name, (shape, dtype) in form.arrays().items()}
        held = {name: (array.shape, array.dtype) for name, array in _arrays(group).items()}
    except UNREADABLE as error:
        _raise_unless_absent(path, error)
        return None
    return group if same and held == wanted else None


def _raise_unless_absent(path: AnyPath, error: Exception) -> None:
    """Object storage that cannot be reached for a moment is not a part that is not there."""
    if isinstance(error, OSError) and not isinstance(error, FileNotFoundError) and not is_local(path):
        raise error


def _values(patch: Patch) -> dict[str, Any]:
    values = {name: getattr(patch, name) for name in DIMENSIONS}
    return {name: value for name, value in values.items() if value is not None}


def _listed(arrays: dict[str, tuple[Any, Any]]) -> str:
    return ", ".join(f"{name} {dtype} {shape}" for name, (shape, dtype) in arrays.items())


def _arrays(group: zarr.Group) -> dict[str, Any]:
    return {name: group[name] for name in DIMENSIONS if name != "dw_prob" or name in group}


def _plain(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise ValueError(f"its {IDS_ATTRIBUTE} are no list")
    return value


def _read_row(path: AnyPath, location_ids: list[str], arrays: dict[str, Any], row: int) -> Patch:
    if not 0 <= row < len(location_ids):
        raise DamagedError(f"{path} has no row {row}; delete it and run the build again", path)
    values: dict[str, Any] = {}
    for name, array in arrays.items():
        chunk = path / name / _chunk_key(name, row)
        try:
            values[name] = decoded(chunk.read_bytes(), array.shape[1:], array.dtype)
        except UNREADABLE as error:
            raise _unreadable(path, name, row, error) from error
    return Patch(location_id=location_ids[row], **values)


def _unreadable(path: AnyPath, name: str, row: int, error: Exception) -> NoldoError:
    if row in tile_rows(path).freed:
        return NoldoError(f"{path}: row {row} was freed when it was packed; delete the folder to fetch it all again")
    chunk = path / name / _chunk_key(name, row)
    message = f"{chunk}, row {row} of {name}, cannot be read ({error}); delete it and run the build again"
    return DamagedError(message, chunk)


def _chunk_key(name: str, row: int) -> str:
    return ".".join(["c", str(row), *["0"] * (len(DIMENSIONS[name]) - 1)])


def _chunk_sizes(sizes: dict[str, int], name: str) -> Iterator[tuple[int, int]]:
    """(row, bytes) of every chunk of an array, but for those under a temporary name."""
    for path, size in sizes.items():
        folder, _, key = path.partition("/")
        parts = key.split(".")
        if folder == name and parts[0] == "c" and parts[1].isdecimal() and _chunk_key(name, int(parts[1])) == key:
            yield int(parts[1]), size
