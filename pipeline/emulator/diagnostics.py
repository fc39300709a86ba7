"""The planet's truth for the rows of a finished store: for diagnostics, never for the pipeline."""

import shutil
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import zarr

from pipeline.emulator.scene import TrueWorld
from pipeline.schema.grid import PixelGrid
from pipeline.schema.landcover import IGNORE
from pipeline.schema.records import N_SEASONS

INPUTS_ATTRIBUTE = "noldo:inputs"
AGREEMENT_ATTRIBUTE = "label_agreement"
DIGEST_ATTRIBUTE = "content_digest"
"""Of the store, and of its truth: which store the truth belongs to."""


def write_truth(
    planet: TrueWorld, index: Path, store: Path, out: Path, inputs: str, on_row: Callable[[int, int], None]
) -> float:
    """Write the true land cover of every stored patch and season, (N, 4, H, W) uint8, rows as in the store.

    The truth carries the store's content_digest, where the store has one. Returns the share of labelled pixels
    whose label is true, 0..1; `on_row` is told (done, total) rows.
    """
    known = recorded_agreement(out, inputs)
    if known is not None:
        return known
    rows = gpd.read_parquet(index).sort_values(["row", "season"])
    packed = zarr.open_group(store, mode="r")
    labels = packed["dw"]
    assert isinstance(labels, zarr.Array)
    count, _, height, width = labels.shape
    temporary = out.with_name(f"{out.name}.tmp-truth")
    shutil.rmtree(temporary, ignore_errors=True)
    group = zarr.create_group(temporary, zarr_format=3)
    truth = group.create_array("truth", shape=labels.shape, chunks=(1, N_SEASONS, height, width), dtype="uint8")
    right = labelled = 0
    for row, seasons in rows.groupby("row"):
        drawn = np.stack([planet.truth(_grid(s, height, width), s.s2_datetime) for s in seasons.itertuples()])
        truth[row] = drawn
        label = np.asarray(labels[row])
        right += int(np.count_nonzero(label == drawn))
        labelled += int(np.count_nonzero(label != IGNORE))
        on_row(int(row) + 1, count)
    agreement = right / max(labelled, 1)
    group.attrs.update({INPUTS_ATTRIBUTE: inputs, AGREEMENT_ATTRIBUTE: agreement})
    if DIGEST_ATTRIBUTE in packed.attrs:
        group.attrs[DIGEST_ATTRIBUTE] = packed.attrs[DIGEST_ATTRIBUTE]
    shutil.rmtree(out, ignore_errors=True)
    temporary.rename(out)
    return agreement


def recorded_agreement(out: Path, inputs: str) -> float | None:
    """The agreement of a truth that is there already for these inputs, or None."""
    if not out.exists():
        return None
    attributes = zarr.open_group(out, mode="r").attrs
    if attributes.get(INPUTS_ATTRIBUTE) != inputs:
        return None
    return float(attributes[AGREEMENT_ATTRIBUTE])  # type: ignore[arg-type]


def _grid(row: object, height: int, width: int) -> PixelGrid:
    pixel_m, _, left_m, _, _, top_m = row.geotransform  # type: ignore[attr-defined]
    return PixelGrid(int(row.epsg), left_m, top_m, width, height, pixel_m)  # type: ignore[attr-defined]
