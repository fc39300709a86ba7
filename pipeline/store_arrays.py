"""The arrays of a pretraining store: shapes, chunks, checksummed codecs, fill values and CF attributes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from pipeline.scaling import PUBLISHED, StoreScaling
from pipeline.schema.bands import Scaling
from pipeline.schema.landcover import DW_CLASSES, IGNORE, N_DW_CLASSES
from pipeline.schema.records import N_SEASONS

Codec = Literal["lz4", "lz4hc", "zstd"]

LEVELS: Final[dict[Codec, int]] = {"lz4": 5, "lz4hc": 9, "zstd": 3}
"""Compression level of each codec. Bytes are not shuffled: on scaled images a bit shuffle took up to 7 % less space
with lz4 and up to five times as long to decode; labels gain more from it, but are a few per cent of a store."""

LABEL_CODECS: Final[dict[Codec, tuple[Codec, int]]] = {"lz4": ("lz4hc", 5)}
"""What stands for a codec in label maps, and its level. The same format, searched harder for what repeats: on emulated
labels half the bytes of lz4, decoded in half the time, for 3 ms a location; on images it takes 17 times as long to
encode and longer to decode."""

LABELS: Final = "dw"
"""The array of label maps."""

ARRAY_NAMES: Final = ("s2", "s1", LABELS)
"""The arrays that every store has."""

PROBABILITIES: Final = "dw_prob"
"""The array that a store has where the recipe asks for it (export.dw_probabilities)."""


@dataclass(frozen=True)
class ArrayPlan:
    """One array of the store."""

    name: str
    dimensions: tuple[str, ...]
    row_shape: tuple[int, ...]
    """Shape of one location: (season, [band,] y, x)."""
    chunk: tuple[int, ...]
    """Inner chunk: what one read decodes. A training step reads one season of the images and all four of the labels.
    Probabilities are a season to a chunk: soft labels of one season then cost one chunk, and the mean over four, for
    temporal smoothing (CromSS, eq. 15), four that lie side by side in the shard."""
    fill: int
    attributes: dict[str, Any]


def array_plans(patch_px: int, scaling: StoreScaling, *, probabilities: bool) -> tuple[ArrayPlan, ...]:
    """The plans of s2, s1, dw and, if wanted, dw_prob for square patches of that side."""
    plans = (
        _image_plan("s2", scaling.s2, patch_px),
        _image_plan("s1", scaling.s1, patch_px),
        ArrayPlan(
            name=LABELS,
            dimensions=("location", "season", "y", "x"),
            row_shape=(N_SEASONS, patch_px, patch_px),
            chunk=(1, N_SEASONS, patch_px, patch_px),
            fill=IGNORE,
            attributes=_label_attributes(),
        ),
        ArrayPlan(
            name=PROBABILITIES,
            dimensions=("location", "season", "dw_class", "y", "x"),
            row_shape=(N_SEASONS, N_DW_CLASSES, patch_px, patch_px),
            chunk=(1, 1, N_DW_CLASSES, patch_px, patch_px),
            fill=0,
            attributes=_probability_attributes(),
        ),
    )
    return plans if probabilities else plans[:-1]


def create_arrays(
    group: zarr.Group,
    *,
    n_rows: int,
    patch_px: int,
    shard_rows: int,
    codec: Codec,
    scaling: StoreScaling = PUBLISHED,
    probabilities: bool = False,
) -> None:
    """Create the empty arrays, sharded over the rows.

    Each inner chunk carries a crc32c of its own, because a shard's checksum covers only its index (Zarr v3
    specification, codec sharding_indexed).
    """
    of_images = codec, LEVELS[codec]
    for plan in array_plans(patch_px, scaling, probabilities=probabilities):
        name, level = LABEL_CODECS.get(codec, of_images) if plan.name == LABELS else of_images
        group.create_array(
            plan.name,
            shape=(n_rows, *plan.row_shape),
            chunks=plan.chunk,
            shards=(shard_rows, *plan.row_shape),
            dtype="uint8",
            fill_value=plan.fill,
            filters=None,
            compressors=[BloscCodec(cname=name, clevel=level, shuffle="noshuffle"), Crc32cCodec()],
            dimension_names=plan.dimensions,
            attributes=plan.attributes,
        )


def stored_scaling(arrays: Mapping[str, Any]) -> StoreScaling:
    """The scaling that a store's arrays state; ValueError where one states none."""
    return StoreScaling(*(Scaling.from_attributes(arrays[name].attrs) for name in ("s2", "s1")))


def _image_plan(name: str, scaling: Scaling, patch_px: int) -> ArrayPlan:
    return ArrayPlan(
        name=name,
        dimensions=("location", "season", f"{name}_band", "y", "x"),
        row_shape=(N_SEASONS, len(scaling.bands), patch_px, patch_px),
        chunk=(1, 1, len(scaling.bands), patch_px, patch_px),
        fill=0,
        attributes=_image_attributes(name, scaling),
    )


def _image_attributes(name: str, scaling: Scaling) -> dict[str, Any]:
    title, unit, unobserved = {
        "s2": (
            "Sentinel-2 L1C top-of-atmosphere reflectance, scaled to 0..255",
            "reflectance x 10000",
            "A pixel that was not observed holds the scaled value of digital number 0.",
        ),
        "s1": (
            "Sentinel-1 GRD IW backscatter, scaled to 0..255",
            "dB",
            "A pixel that was not observed holds 0.",
        ),
    }[name]
    return {
        "long_name": title,
        "units": "1",
        "bands": list(scaling.bands),
        "scaling": {
            **scaling.as_attributes(),
            "raw_units": unit,
            "formula": "round(255 * (clip(raw, mean - clip_std*std, mean + clip_std*std) - mean + clip_std*std) "
            "/ (2*clip_std*std))",
        },
        "comment": unobserved,
    }


def _label_attributes() -> dict[str, Any]:
    return {
        "long_name": "Dynamic World V1 land cover, most likely class, not corrected",
        "units": "1",
        "flag_values": [c.code for c in DW_CLASSES],
        "flag_meanings": " ".join(_class_words()),
        "_FillValue": IGNORE,
        "comment": f"{IGNORE}: no label (cloud, or outside the scene); never a class.",
    }


def _probability_attributes() -> dict[str, Any]:
    return {
        "long_name": "Dynamic World V1 class probabilities, scaled to 0..255",
        "units": "1",
        "classes": _class_words(),
        "scale_factor": 1 / 255,
        "comment": "Rounded to whole steps of 1/255, so the nine add up to 255 within 4; all nine are 0 where dw has "
        "no label.",
    }


def _class_words() -> list[str]:
    return [c.name.replace("&", "and").replace(" ", "_") for c in DW_CLASSES]
