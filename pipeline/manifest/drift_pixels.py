"""Pixels of two data sets compared, one location at a time: what differs in labels, and in every band."""

from collections import defaultdict
from dataclasses import dataclass, field, fields
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.bands import S1_BANDS, S1_NODATA, S2_BANDS, S2_NODATA, Scaling
from pipeline.schema.landcover import IGNORE

BANDS: Final = {"s2": S2_BANDS, "s1": S1_BANDS}
LABELS: Final = ("dw", "osm", "dfc")
UNITS: Final = {"s2": "DN", "s1": "dB"}
NODATA: Final = {"s2": S2_NODATA, "s1": S1_NODATA}
"""What raw images hold where nothing was observed."""

CODES: Final = IGNORE + 1
TOP_CHANGES: Final = 5
Pixels = NDArray[np.generic]


@dataclass(frozen=True)
class LabelDrift:
    """One label array over all pixels compared."""

    array: str
    both: int
    """Pixels that both sides label."""
    equal: int
    """Of those, with the same class."""
    only_ours: int
    only_published: int
    neither: int
    changes: tuple[tuple[int, int, int], ...]
    """(our class, the published one, pixels), the most frequent of those that differ."""

    @property
    def agreement(self) -> float | None:
        """Share of the pixels that both label with the same class, 0..1; None where there are none."""
        return self.equal / self.both if self.both else None


@dataclass(frozen=True)
class BandDrift:
    """One band over all pixels that both sides observed."""

    array: str
    band: str
    unit: str
    """Of the differences: 'step' of the stored 0..255 where both are scaled alike, else DN or dB."""
    pixels: int
    equal: int
    """Pixels whose values are equal, or differ by no more than the two sides' rounding to steps allows."""
    mean: float | None
    """Of ours minus published; None where no pixel was observed by both."""
    rms: float | None
    largest: float | None
    """The largest absolute difference."""
    only_ours: int
    """Pixels that only we observed; known of raw values alone."""
    only_published: int


@dataclass
class _BandSums:
    pixels: int = 0
    equal: int = 0
    total: float = 0.0
    squares: float = 0.0
    largest: float = 0.0
    only_ours: int = 0
    only_published: int = 0

    def plus(self, other: "_BandSums") -> "_BandSums":
        """The sums of both."""
        added = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return _BandSums(**added | {"largest": max(self.largest, other.largest)})


@dataclass
class PixelTally:
    """What was found so far."""

    labels: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    """By array: pixels by our code and the published one, (256, 256)."""
    bands: dict[tuple[str, int, str], _BandSums] = field(default_factory=lambda: defaultdict(_BandSums))
    """By array, band and unit."""

    def add_labels(self, array: str, ours: Pixels, published: Pixels) -> None:
        """Count two label arrays of one shape, whatever its axes."""
        pairs = ours.astype(np.uint16).ravel() * np.uint16(CODES) + published.astype(np.uint16).ravel()
        counted = np.bincount(pairs, minlength=CODES * CODES).reshape(CODES, CODES)
        self.labels[array] = self.labels.get(array, np.zeros_like(counted)) + counted

    def add_images(
        self, array: str, ours: Pixels, published: Pixels, scalings: tuple[Scaling | None, Scaling | None]
    ) -> None:
        """Count two images (..., band, height, width) of one shape; None as a scaling means raw values.

        Values scaled alike, or raw on both sides, are compared as they are; else in raw units.
        """
        alike = scalings[0] == scalings[1]
        raw = alike and scalings[0] is None
        unit = "step" if alike and not raw else UNITS[array]
        for band in range(len(BANDS[array])):
            mine, theirs = ours[..., band, :, :], published[..., band, :, :]
            sums = self.bands[array, band, unit]
            if alike and not raw and np.array_equal(mine, theirs):
                sums.pixels += mine.size
                sums.equal += mine.size
                continue
            seen = _observed(mine, array, raw=scalings[0] is None)
            seen_there = _observed(theirs, array, raw=scalings[1] is None)
            sums.only_ours += int(np.count_nonzero(seen & ~seen_there))
            sums.only_published += int(np.count_nonzero(seen_there & ~seen))
            both = seen & seen_there
            if alike:
                _add(sums, mine[both].astype(np.float64) - theirs[both].astype(np.float64), 0.0)
                continue
            values = (_in_raw_units(side[both], band, s) for side, s in zip((mine, theirs), scalings, strict=True))
            rounding = sum(s.low_and_span()[1][band] / 510.0 for s in scalings if s is not None)
            _add(sums, next(values) - next(values), rounding)

    def label_drift(self) -> list[LabelDrift]:
        """The labels' figures, by array."""
        return [_label_drift(array, counted) for array, counted in sorted(self.labels.items())]

    def band_drift(self) -> list[BandDrift]:
        """The bands' figures: Sentinel-2, then Sentinel-1, in the order of the bands."""
        order = sorted(self.bands, key=lambda key: (list(BANDS).index(key[0]), *key[1:]))
        return [_band_drift(*key, self.bands[key]) for key in order]

    def merged(self, other: "PixelTally") -> "PixelTally":
        """Both together."""
        total = PixelTally()
        for tally in (self, other):
            for array, counted in tally.labels.items():
                total.labels[array] = total.labels.get(array, np.zeros_like(counted)) + counted
            for key, sums in tally.bands.items():
                total.bands[key] = total.bands[key].plus(sums)
        return total


def _observed(values: Pixels, array: str, *, raw: bool) -> NDArray[np.bool_]:
    if not raw:
        return np.ones(values.shape, dtype=np.bool_)
    return np.asarray((values != NODATA[array]) & np.isfinite(values.astype(np.float64)), dtype=np.bool_)


def _in_raw_units(values: Pixels, band: int, scaling: Scaling | None) -> NDArray[np.float64]:
    plain = values.astype(np.float64)
    if scaling is None:
        return plain
    low, span = scaling.low_and_span()
    return cast(NDArray[np.float64], low[band] + plain * (span[band] / 255.0))


def _add(sums: _BandSums, difference: NDArray[np.float64], rounding: float) -> None:
    size = np.abs(difference)
    sums.pixels += difference.size
    sums.equal += int(np.count_nonzero(size <= rounding * (1 + 1e-6)))
    sums.total += float(difference.sum())
    sums.squares += float(np.square(difference).sum())
    sums.largest = max(sums.largest, float(size.max(initial=0.0)))


def _label_drift(array: str, counted: NDArray[np.int64]) -> LabelDrift:
    labelled = counted[:IGNORE, :IGNORE]
    equal = int(np.trace(labelled))
    unlike = labelled * (1 - np.eye(IGNORE, dtype=np.int64))
    order = np.argsort(unlike, axis=None, kind="stable")[::-1][:TOP_CHANGES]
    changes = [(*divmod(int(at), IGNORE), int(unlike.flat[at])) for at in order if unlike.flat[at]]
    return LabelDrift(
        array=array,
        both=int(labelled.sum()),
        equal=equal,
        only_ours=int(counted[:IGNORE, IGNORE].sum()),
        only_published=int(counted[IGNORE, :IGNORE].sum()),
        neither=int(counted[IGNORE, IGNORE]),
        changes=tuple(changes),
    )


def _band_drift(array: str, band: int, unit: str, sums: _BandSums) -> BandDrift:
    some = sums.pixels > 0
    return BandDrift(
        array=array,
        band=BANDS[array][band],
        unit=unit,
        pixels=sums.pixels,
        equal=sums.equal,
        mean=sums.total / sums.pixels if some else None,
        rms=float(np.sqrt(sums.squares / sums.pixels)) if some else None,
        largest=sums.largest if some else None,
        only_ours=sums.only_ours,
        only_published=sums.only_published,
    )


def overlap(shape: tuple[int, ...], other: tuple[int, ...], offset: tuple[int, int]) -> tuple[Any, Any] | None:
    """The pixels that two images (..., height, width) share, as an index into each; None where they share none.

    `offset` is (columns, rows) of the other's first pixel in the first.
    """
    indices = []
    for mine, theirs, begin in zip(shape[-2:], other[-2:], reversed(offset), strict=True):
        low, high = max(0, begin), min(mine, theirs + begin)
        if low >= high:
            return None
        indices.append((slice(low, high), slice(low - begin, high - begin)))
    (rows, rows_there), (columns, columns_there) = indices
    return (..., rows, columns), (..., rows_there, columns_there)
