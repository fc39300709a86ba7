"""The arrays of a pretraining store: shapes, chunks, checksummed codecs, fill values and CF attributes."""

from dataclasses import dataclass
from typing import Any, Final, Literal

import zarr
from zarr.codecs import BloscCodec, Crc32cCodec

from pipeline.schema.bands import S1_BANDS, S1_SCALING, S2_BANDS, S2_SCALING, Scaling
from pipeline.schema.landcover import DW_CLASSES, IGNORE
from pipeline.schema.records import N_SEASONS

Codec = Literal["lz4", "lz4hc", "zstd"]

LEVELS: Final[dict[Codec, int]] = {"lz4": 5, "lz4hc": 9, "zstd": 3}
"""Compression level of each codec. Bytes are not shuffled: on scaled images a bit shuffle took up to 7 % less space
with lz4 and up to five times as long to decode; labels gain more from it, but are a few per cent of a store."""

ARRAY_NAMES: Final = ("s2", "s1", "dw")


@dataclass(frozen=True)
class ArrayPlan:
    """One array of the store."""

    name: str
    dimensions: tuple[str, ...]
    row_shape: tuple[int, ...]
    """Shape of one location: (season, [band,] y, x)."""
    chunk: tuple[int, ...]
    """Inner chunk: what one read decodes. A training step reads one season of the images, all four of the labels."""
    fill: int
    attributes: dict[str, Any]


def array_plans(patch_px: int) -> tuple[ArrayPlan, ...]:
    """The plans of s2, s1 and dw for square patches of that side."""
    return (
        _image_plan("s2", S2_BANDS, S2_SCALING, patch_px),
        _image_plan("s1", S1_BANDS, S1_SCALING, patch_px),
        ArrayPlan(
            name="dw",
            dimensions=("location", "season", "y", "x"),
            row_shape=(N_SEASONS, patch_px, patch_px),
            chunk=(1, N_SEASONS, patch_px, patch_px),
            fill=IGNORE,
            attributes=_label_attributes(),
        ),
    )


def create_arrays(group: zarr.Group, *, n_rows: int, patch_px: int, shard_rows: int, codec: Codec) -> None:
    """Create the empty arrays, sharded over the rows.

    Each inner chunk carries a crc32c of its own, because a shard's checksum covers only its index (Zarr v3
    specification, codec sharding_indexed).
    """
    for plan in array_plans(patch_px):
        group.create_array(
            plan.name,
            shape=(n_rows, *plan.row_shape),
            chunks=plan.chunk,
            shards=(shard_rows, *plan.row_shape),
            dtype="uint8",
            fill_value=plan.fill,
            filters=None,
            compressors=[BloscCodec(cname=codec, clevel=LEVELS[codec], shuffle="noshuffle"), Crc32cCodec()],
            dimension_names=plan.dimensions,
            attributes=plan.attributes,
        )


def _image_plan(name: str, bands: tuple[str, ...], scaling: Scaling, patch_px: int) -> ArrayPlan:
    return ArrayPlan(
        name=name,
        dimensions=("location", "season", f"{name}_band", "y", "x"),
        row_shape=(N_SEASONS, len(bands), patch_px, patch_px),
        chunk=(1, 1, len(bands), patch_px, patch_px),
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
            "mean": list(scaling.mean),
            "std": list(scaling.std),
            "clip_std": scaling.clip_std,
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
        "flag_meanings": " ".join(c.name.replace("&", "and").replace(" ", "_") for c in DW_CLASSES),
        "_FillValue": IGNORE,
        "comment": f"{IGNORE}: no label (cloud, or outside the scene); never a class.",
    }
