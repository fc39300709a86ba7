"""The arrays that arrived for a location, checked and stacked into a patch. Pure."""

import itertools
from collections.abc import Sequence
from typing import Final, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.bands import DW_PROBABILITY_BANDS, S1_BANDS, S1_NODATA, S2_BANDS
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.schema.landcover import IGNORE, N_DW_CLASSES
from pipeline.schema.records import N_SEASONS, Arrays, Patch

S1_RANGE_DB: Final = (-100.0, 60.0)
"""Backscatter beyond this is a wrong unit, not a measurement: GRD noise lies near -30 dB, cities near +20 dB."""

PROBABILITY_UNIT: Final = 255
"""A probability of 1 as it is staged and stored."""

PROBABILITY_SLACK: Final = 6
"""How far a pixel's nine rounded probabilities may add up to other than PROBABILITY_UNIT: half a unit each is 4.5."""

PROBABILITY_ODD_SHARE: Final = 0.01
"""Share of labelled pixels that may break a rule of probabilities: what is not what it says breaks it nearly always."""

Pixel = TypeVar("Pixel", bound=np.generic)


def s2_names(season: int) -> tuple[str, ...]:
    """What a season's Sentinel-2 bands are called in an answer."""
    return tuple(f"s2_{season}_{band}" for band in S2_BANDS)


def s1_names(season: int) -> tuple[str, ...]:
    """What a season's Sentinel-1 bands are called in an answer."""
    return tuple(f"s1_{season}_{band}" for band in S1_BANDS)


def dw_name(season: int) -> str:
    """What a season's labels are called in an answer."""
    return f"dw_{season}"


def dw_prob_names(season: int) -> tuple[str, ...]:
    """What a season's class probabilities are called in an answer."""
    return tuple(f"dw_{season}_{band}" for band in DW_PROBABILITY_BANDS)


def to_patch(location_id: str, arrays: Arrays, shape: tuple[int, int], *, probabilities: bool = False) -> Patch:
    """Stack a location's named (height, width) arrays, which it takes over, and check them.

    Raises SourceError (permanent) for an array that is missing or has another shape or dtype than planned,
    a label that is no class, backscatter that cannot be in dB, or probabilities that do not add up to 1 or whose
    largest is not the label's. S1 values that are not finite (no power at all is minus infinity in dB) count as not
    observed. An image without any observed pixel passes: whether that is enough is for the filter by pixels.
    """
    seasons = range(N_SEASONS)
    s2 = _stack(location_id, arrays, [s2_names(i) for i in seasons], np.uint16, shape)
    s1 = _stack(location_id, arrays, [s1_names(i) for i in seasons], np.float32, shape)
    dw = _stack(location_id, arrays, [(dw_name(i),) for i in seasons], np.uint8, shape)[:, 0]
    s1[~np.isfinite(s1)] = S1_NODATA
    _check_range(location_id, "S1 backscatter (dB)", s1[s1 != S1_NODATA], *S1_RANGE_DB)
    _check_range(location_id, "Dynamic World class", dw[dw != IGNORE], 0, N_DW_CLASSES - 1)
    dw_prob = None
    if probabilities:
        dw_prob = _stack(location_id, arrays, [dw_prob_names(i) for i in seasons], np.uint8, shape)
        dw_prob *= (dw != IGNORE)[:, None]
        _check_probabilities(location_id, dw_prob, dw)
    return Patch(location_id=location_id, s2=s2, s1=s1, dw=dw, dw_prob=dw_prob)


def _stack(
    location_id: str,
    arrays: Arrays,
    names: Sequence[Sequence[str]],
    dtype: type[Pixel],
    shape: tuple[int, int],
) -> NDArray[Pixel]:
    """(seasons, bands, height, width) of the named arrays."""
    found: list[NDArray[Pixel]] = []
    for name in itertools.chain.from_iterable(names):
        array = arrays.get(name)
        if array is None:
            raise _refused(location_id, f"band {name} did not arrive")
        if array.dtype != dtype or array.shape != shape:
            raise _refused(
                location_id,
                f"band {name} arrived as {array.dtype} {array.shape}, expected {np.dtype(dtype)} {shape}",
            )
        found.append(cast(NDArray[Pixel], array))
    whole = _lying_together(found)
    return (np.stack(found) if whole is None else whole).reshape(len(names), len(names[0]), *shape)


def _lying_together(arrays: Sequence[NDArray[Pixel]]) -> NDArray[Pixel] | None:
    """The array of which these are all the parts, in order, where there is one: it need not be copied together."""
    whole = arrays[0].base
    if not isinstance(whole, np.ndarray) or not whole.flags.carray or whole.dtype != arrays[0].dtype:
        return None
    start, step = whole.ctypes.data, arrays[0].nbytes
    together = whole.nbytes == step * len(arrays) and all(
        array.base is whole and array.flags.c_contiguous and array.ctypes.data == start + step * at
        for at, array in enumerate(arrays)
    )
    return whole if together else None


def _check_range(location_id: str, what: str, values: NDArray[np.generic], low: float, high: float) -> None:
    if values.size and not (values.min() >= low and values.max() <= high):
        raise _refused(location_id, f"{what} runs from {values.min()} to {values.max()}, possible are {low} to {high}")


def _check_probabilities(location_id: str, dw_prob: NDArray[np.uint8], dw: NDArray[np.uint8]) -> None:
    """Refuse probabilities that do not add up, or of which another than the label's is the largest.

    Rounding keeps their order, so the label's own is never below another one, though others may equal it.
    """
    labelled = dw != IGNORE
    total = dw_prob.sum(axis=1, dtype=np.int16)
    own = np.take_along_axis(dw_prob, np.where(labelled, dw, 0)[:, None], axis=1)[:, 0]
    for what, odd in (
        ("class probabilities do not add up to 1", np.abs(total - PROBABILITY_UNIT) > PROBABILITY_SLACK),
        ("the label is not the likeliest class", own < dw_prob.max(axis=1)),
    ):
        share = np.count_nonzero(odd & labelled) / max(int(np.count_nonzero(labelled)), 1)
        if share > PROBABILITY_ODD_SHARE:
            raise _refused(location_id, f"{what} at {share:.0%} of the labelled pixels")


def _refused(location_id: str, what: str) -> SourceError:
    return SourceError(FailureKind.PERMANENT, f"location {location_id}: {what}")
