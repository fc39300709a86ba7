"""Expert-labelled Dynamic World tiles as they are published: a folder becomes an index, a file its labels.

Two layouts are known: training tiles as Experts/<WH or EH>/<biome>/dw_<lon>_<lat>-YYYYMMDD.tif, and hold-out tiles
as label_dw_<lon>_<lat>-YYYYMMDD.tif in one folder, where 'p' may stand for the decimal point.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.expert_raster import MAX_BYTES, UnusableRasterError, decode_expert_raster
from pipeline.files import storage_reason
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.landcover import IGNORE, N_DW_CLASSES
from pipeline.schema.tiles import EXPERT_PX, ExpertTile, Split, UnusableTile

_NUMBER: Final = r"-?\d+(?:[.p]\d+)?"
_NAME: Final = re.compile(rf"(label_)?(dw_{_NUMBER}_{_NUMBER}-(\d{{8}}))\.tiff?")
_MODEL: Final = re.compile(r"probs?_dw_.*")
_HEMISPHERE: Final = re.compile(r"[ew]h|(?:east|west)ern[ _]hemisphere", re.IGNORECASE)
_HOLD_OUT: Final = re.compile(r"dw_test.*|dw_release.*|.*consensus.*", re.IGNORECASE)
_CROWD: Final = re.compile(r"non[ _-]?experts?(?:[ _-]tiles)?", re.IGNORECASE)


def index_experts(folder: Path, split: Split | None = None) -> tuple[list[ExpertTile], list[UnusableTile]]:
    """All tiles under a folder in the order of their ids, and every file that is none, with the reason.

    `split` says what all of the folder is; without it the layout does, and in a folder of any other layout the size:
    published training tiles have 510 pixels a side, hold-out tiles 512. Reads every file. Of two files of one split
    and place and day the first stays where both are the same to the byte; where they differ neither is used.
    Raises UsageError where there is no such folder.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; name the one that the published expert tiles were unpacked into")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    tiles: list[ExpertTile] = []
    unusable: list[UnusableTile] = []
    for path in files:
        try:
            tiles.append(_index_file(folder, path, split))
        except UnusableRasterError as error:
            unusable.append(UnusableTile(path.relative_to(folder).as_posix(), error.reason, error.detail))
    single, doubled = _without_doubles(tiles)
    return single, sorted([*unusable, *doubled], key=lambda one: one.file)


def place_and_day(tile_id: str) -> str:
    """What an id says whatever the layout: hold-out tiles are published with 'p' for the decimal point."""
    return tile_id.replace("p", ".")


def read_expert_labels(folder: Path, tile: ExpertTile) -> NDArray[np.uint8]:
    """The labels of an indexed tile, (height, width), class 0..8 or IGNORE, pixel for pixel as in the file.

    Raises NoldoError where the file is gone or is not the one that was indexed.
    """
    path = folder / tile.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NoldoError(f"{path} cannot be read ({storage_reason(error)}); restore the expert tiles") from error
    if hashlib.sha256(data).hexdigest() != tile.sha256:
        raise NoldoError(f"{path} is not the file that was indexed; restore it, or build in a new folder")
    return decode_expert_raster(data).labels


def _index_file(folder: Path, path: Path, split: Split | None) -> ExpertTile:
    relative = PurePosixPath(path.relative_to(folder).as_posix())
    above = (folder.resolve().name, *relative.parts[:-1])
    tile_id, day = _name_of(relative, above)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UnusableRasterError("cannot be read", storage_reason(error)) from error
    raster = decode_expert_raster(data)
    count = np.bincount(raster.labels.ravel(), minlength=IGNORE + 1)
    if not count[:N_DW_CLASSES].any():
        raise UnusableRasterError("nothing labelled", "every pixel is unmarked or cloud")
    hemisphere, biome = _region_of(above)
    return ExpertTile(
        tile_id=tile_id,
        split=split or _split_of(relative.name, above, raster.grid.width_px),
        day=day,
        grid=raster.grid,
        file=str(relative),
        sha256=hashlib.sha256(data).hexdigest(),
        hemisphere=hemisphere,
        biome=biome,
        class_count=tuple(count[:N_DW_CLASSES].tolist()),
        ignored=int(count[IGNORE]),
    )


def _name_of(relative: PurePosixPath, above: tuple[str, ...]) -> tuple[str, datetime]:
    """The id and the day that a file's name states."""
    if relative.suffix.lower() not in (".tif", ".tiff"):
        raise UnusableRasterError("not a GeoTIFF", f"its name ends in '{relative.suffix}'")
    if any(_CROWD.fullmatch(part) for part in above):
        raise UnusableRasterError("not by experts", "it lies in the folder of the tiles labelled by non-experts")
    if _MODEL.fullmatch(relative.name):
        raise UnusableRasterError("not by experts", "it holds the model's probabilities")
    found = _NAME.fullmatch(relative.name)
    if found is None:
        raise UnusableRasterError("no place and date in the name", "expected a name like dw_-63.0521_-17.5127-20190704")
    try:
        return found[2], datetime.strptime(found[3], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        raise UnusableRasterError("no place and date in the name", f"there is no day {found[3]}") from None


def _region_of(above: tuple[str, ...]) -> tuple[str, str]:
    """Hemisphere and biome as the folders of the training layout say, empty where they do not."""
    for number, part in enumerate(above):
        if _HEMISPHERE.fullmatch(part):
            return part, next(iter(above[number + 1 :]), "")
    return "", ""


def _split_of(name: str, above: tuple[str, ...], size_px: int) -> Split:
    """The split by the name, else by the nearest folder of a published layout, else by the published sizes."""
    if name.startswith("label_"):
        return "test"
    for part in reversed(above):
        if _HOLD_OUT.fullmatch(part):
            return "test"
        if part.lower() == "experts" or _HEMISPHERE.fullmatch(part):
            return "train"
    return "test" if size_px == EXPERT_PX["test"] else "train"


def _without_doubles(tiles: Iterable[ExpertTile]) -> tuple[list[ExpertTile], list[UnusableTile]]:
    named: dict[tuple[str, Split], list[ExpertTile]] = defaultdict(list)
    for tile in tiles:
        named[place_and_day(tile.tile_id), tile.split].append(tile)
    single: list[ExpertTile] = []
    doubled: list[UnusableTile] = []
    for same in named.values():
        alike = len({tile.sha256 for tile in same}) == 1
        single += same[:1] if alike else []
        for number, tile in enumerate(same):
            if number > 0 or not alike:
                other = same[0 if number else 1].file
                what = "the same as" if alike else "another file with the id of"
                doubled.append(UnusableTile(tile.file, "doubled id", f"it is {what} {other}"))
    return sorted(single, key=lambda tile: (tile.tile_id, tile.split)), doubled
