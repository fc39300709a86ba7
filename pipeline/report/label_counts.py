"""Labels counted over the store, per season, and held against the truth where a run has it."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import zarr
from numpy.typing import NDArray

from pipeline.files import zarr_store
from pipeline.schema.errors import NoldoError
from pipeline.schema.landcover import IGNORE, N_DW_CLASSES
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import N_SEASONS

COUNTED_ROWS: Final = 2048
"""Of a larger store only this many rows are counted, evenly spaced; the store's order is a random shuffle."""


@dataclass(frozen=True)
class LabelCounts:
    """Pixel counts of the labels of some rows of a store."""

    rows_in_store: int
    rows_counted: int
    labels: NDArray[np.int64]
    """(seasons, classes) pixels per label."""
    unlabelled: NDArray[np.int64]
    """(seasons,) pixels without a label."""
    truth: NDArray[np.int64] | None
    """(seasons, classes) pixels per true class; None where the truth is not known."""
    confusion: NDArray[np.int64] | None
    """Pixels by (true class, label); None where the truth is not known."""

    @property
    def agreement(self) -> float | None:
        """Share of the labelled pixels whose label is the true class, 0..1."""
        if self.confusion is None or not self.confusion.sum():
            return None
        return float(np.trace(self.confusion) / self.confusion.sum())


def count_labels(store: AnyPath, truth: AnyPath | None) -> LabelCounts:
    """Count the labels of a store, (N, 4, height, width) uint8 `dw`; NoldoError where it cannot be read."""
    labels = open_array(store, "dw")
    truths = None if truth is None else open_array(truth, "truth")
    if truths is not None and truths.shape != labels.shape:
        raise NoldoError(f"diagnostics/truth.zarr has shape {truths.shape}, but the labels {labels.shape}.")
    total = labels.shape[0]
    rows = evenly_spaced(total, COUNTED_ROWS)
    label_counts = np.zeros((N_SEASONS, IGNORE + 1), dtype=np.int64)
    truth_counts = np.zeros_like(label_counts)
    pairs = np.zeros((N_DW_CLASSES, N_DW_CLASSES), dtype=np.int64)
    for row in rows:
        label_SHW = read_row(labels, row)
        label_counts += _histograms(label_SHW)
        if truths is not None:
            truth_SHW = read_row(truths, row)
            truth_counts += _histograms(truth_SHW)
            pairs += confusion(truth_SHW, label_SHW)
    return LabelCounts(
        rows_in_store=total,
        rows_counted=len(rows),
        labels=label_counts[:, :N_DW_CLASSES],
        unlabelled=label_counts[:, IGNORE],
        truth=None if truths is None else truth_counts[:, :N_DW_CLASSES],
        confusion=None if truths is None else pairs,
    )


def confusion(truth: NDArray[np.uint8], label: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(true class, label) pixel counts over two arrays of one shape, pixels without either left out."""
    known = (truth < N_DW_CLASSES) & (label < N_DW_CLASSES)
    flat = truth[known].astype(np.int64) * N_DW_CLASSES + label[known]
    return np.bincount(flat, minlength=N_DW_CLASSES**2).reshape(N_DW_CLASSES, N_DW_CLASSES)


def evenly_spaced(total: int, most: int) -> list[int]:
    """At most `most` of 0..total-1, evenly spaced, the first and the last among them."""
    if total <= most:
        return list(range(total))
    return [int(v) for v in np.linspace(0, total - 1, most).round()]


def open_array(group: AnyPath, name: str) -> zarr.Array:  # type: ignore[type-arg]
    """An array of a Zarr group, opened for reading; NoldoError where it is not there."""
    try:
        array = zarr.open_array(zarr_store(group), path=name, mode="r")
    except (OSError, ValueError, KeyError) as error:
        raise NoldoError(f"{group.name} has no array '{name}' that can be read ({error}).") from error
    return array


def read_row(array: zarr.Array, row: int) -> NDArray[np.uint8]:  # type: ignore[type-arg]
    """One location of an array; NoldoError where a chunk is damaged."""
    try:
        return np.asarray(array[row], dtype=np.uint8)
    except (OSError, ValueError, RuntimeError) as error:
        raise NoldoError(f"row {row} of {array.store_path} cannot be read ({error}).") from error


def _histograms(code_SHW: NDArray[np.uint8]) -> NDArray[np.int64]:
    return np.stack([np.bincount(season.ravel(), minlength=IGNORE + 1) for season in code_SHW])
