"""A downstream store as it is read: a row a tile, raw images of one modality, and one label array.

N tiles, C bands, P the tile's side in pixels.
"""

import json
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import tensorstore as ts
from numpy.typing import NDArray

from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.dfc2020 import DFC_CLASSES
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.landcover import DW_CLASSES, IGNORE, OSM_CLASSES, LandCoverClass
from pipeline.schema.paths import AnyPath
from training.modality import Modality
from training.store_files import FAILURES, kvstore_spec, read_file, reason

LabelName = Literal["dw", "osm", "dfc"]

LEGENDS: Final[dict[LabelName, tuple[LandCoverClass, ...]]] = {"dw": DW_CLASSES, "osm": OSM_CLASSES, "dfc": DFC_CLASSES}
"""The classes of every label array; of several in a store the last one is what the store is about."""

KEPT_BYTES: Final = 2 * 2**30
"""A store whose images and labels take no more than this, decoded, stays in memory once it was read."""

_IMAGES: Final[dict[Modality, tuple[str, tuple[str, ...]]]] = {"s1": ("float32", S1_BANDS), "s2": ("uint16", S2_BANDS)}


@dataclass(frozen=True)
class TileStore:
    """An open downstream store."""

    path: AnyPath
    modality: Modality
    label_name: LabelName
    image: Any
    """tensorstore (N, C, P, P): uint16 digital numbers of Sentinel-2, 0 where not observed, or float32 dB of
    Sentinel-1, S1_NODATA where not observed."""
    label: Any
    """tensorstore of uint8 (N, P, P): the codes of the legend, or 255 where there is no label."""
    bands: tuple[str, ...]
    """Of the image, in its order."""
    digest: str
    """Of the store's content."""

    @property
    def tiles(self) -> int:
        """Number of rows, N."""
        return int(self.image.shape[0])

    @property
    def tile_px(self) -> int:
        """Side of a tile, P, pixels."""
        return int(self.image.shape[-1])

    @property
    def classes(self) -> tuple[LandCoverClass, ...]:
        """The legend; a class's place in it is the number that a network gives it."""
        return LEGENDS[self.label_name]

    def class_numbers(self) -> NDArray[np.uint8]:
        """uint8 (256,): label code -> place in the legend, or IGNORE for a code that is no class."""
        numbers = np.full(256, IGNORE, np.uint8)
        for place, land_cover in enumerate(self.classes):
            numbers[land_cover.code] = place
        return numbers


def open_tile_store(path: AnyPath, modality: Modality, label: LabelName | None) -> TileStore:
    """Open a downstream store, on a disk or in object storage.

    `label`: which labels; None: those that the store is about. UsageError where `path` is no such store, has no such
    labels, or is not finished; NoldoError where it is damaged or cannot be reached.
    """
    attributes = _attributes(path)
    present = [name for name in LEGENDS if read_file(path / name, "zarr.json") is not None]
    if not present:
        raise UsageError(f"{path} has none of the label arrays {', '.join(LEGENDS)}; give a downstream set's store")
    if label is not None and label not in present:
        raise UsageError(f"{path} has no labels '{label}', but {' and '.join(present)}; set label to one of them")
    digest = attributes.get("content_digest")
    if not isinstance(digest, str):
        raise UsageError(f"{path} is not finished: it carries no digest of its content; finish it with noldo build")
    chosen = label or present[-1]
    image, labels = _open(path, modality), _open(path, chosen)
    _check(path, modality, chosen, image, labels)
    if _decoded_bytes(image) + _decoded_bytes(labels) <= KEPT_BYTES:
        image, labels = _open(path, modality, kept=True), _open(path, chosen, kept=True)
    return TileStore(path, modality, chosen, image, labels, _IMAGES[modality][1], digest)


def _check(path: AnyPath, modality: Modality, label: str, image: Any, labels: Any) -> None:
    kind, bands = _IMAGES[modality]
    n, px = image.shape[0], image.shape[-1]
    expected = {modality: (kind, (n, len(bands), px, px)), label: ("uint8", (n, px, px))}
    for name, array in ((modality, image), (label, labels)):
        wanted_kind, wanted = expected[name]
        if tuple(array.shape) != wanted or array.dtype.name != wanted_kind:
            raise UsageError(
                f"{path}: array '{name}' is {array.dtype.name} {tuple(array.shape)}, "
                f"expected {wanted_kind} {wanted}; build the store again with noldo build"
            )
    stated = _attributes(path / modality).get("bands", list(bands))
    if list(stated) != list(bands):
        raise UsageError(
            f"{path}: array '{modality}' has the bands {', '.join(stated)}, expected {', '.join(bands)}; "
            "give a store with these"
        )


def _decoded_bytes(array: Any) -> int:
    return int(np.prod(array.shape, dtype=np.int64)) * int(array.dtype.numpy_dtype.itemsize)


def _attributes(path: AnyPath) -> dict[str, Any]:
    try:
        attributes = json.loads(read_file(path, "zarr.json") or b"").get("attributes", {})
    except (ValueError, AttributeError):
        raise UsageError(f"{path} is not a downstream store: it has no readable zarr.json; correct the path") from None
    return attributes if isinstance(attributes, dict) else {}


def _open(path: AnyPath, name: str, *, kept: bool = False) -> Any:
    """`kept`: decoded chunks stay in memory."""
    spec: dict[str, Any] = {"driver": "zarr3", "kvstore": kvstore_spec(path / name), "fill_missing_data_reads": False}
    # A pool of no size of its own would drop chunks while they are still needed; without one nothing is kept.
    context = ts.Context({"cache_pool": {"total_bytes_limit": KEPT_BYTES}}) if kept else None
    try:
        return ts.open(spec, open=True, read=True, context=context).result()
    except FAILURES as error:
        if "NOT_FOUND" in str(error):
            raise UsageError(f"{path} has no array '{name}'; give a downstream set's store") from None
        raise NoldoError(f"{path}: array '{name}' cannot be opened ({reason(error)}); restore it") from error
