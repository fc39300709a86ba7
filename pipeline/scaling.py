"""Whose mean and deviation scale a store: the published ones, the store's own, or the recipe's."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import BeforeValidator, model_validator

from pipeline.schema.bands import S1_BANDS, S1_SCALING, S2_BANDS, S2_SCALING, Scaling
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.records import BandSum
from pipeline.schema.strict import Strict, validated


class GivenBands(Strict):
    """Mean and standard deviation of one sensor's bands, in store order and raw units."""

    mean: tuple[float, ...]
    """A value a band: 13 of Sentinel-2, 2 of Sentinel-1."""
    std: tuple[float, ...]
    """As many, each above 0."""


class GivenStatistics(Strict):
    """Statistics that the recipe states itself: digital numbers for Sentinel-2, dB for Sentinel-1."""

    s2: GivenBands
    s1: GivenBands

    @model_validator(mode="after")
    def _fit(self) -> Self:
        for name, bands, stated in (("s2", S2_BANDS, self.s2), ("s1", S1_BANDS, self.s1)):
            try:
                Scaling(bands, stated.mean, stated.std)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
        return self


def _known(value: Any) -> Any:
    """Settle which member of the union is meant: of several, pydantic would tell what each finds wrong."""
    if isinstance(value, GivenStatistics) or value in ("published", "own"):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(f"'{value}' is none of published, own, or {{s2: {{mean, std}}, s1: {{mean, std}}}}")
    try:
        return validated(GivenStatistics, value, where="given")
    except UsageError as error:
        raise ValueError(str(error)) from None


Statistics: TypeAlias = Annotated[Literal["published", "own"] | GivenStatistics, BeforeValidator(_known)]

WHOLE: Final = 2**28
"""Sums of S1_STEPS (pipeline/tally.py) and of their squares are whole numbers after multiplying by this."""


@dataclass(frozen=True)
class StoreScaling:
    """How a store's images are scaled."""

    s2: Scaling
    s1: Scaling

    def of(self, array: str) -> Scaling:
        """The scaling of the array 's2' or 's1'."""
        return {"s2": self.s2, "s1": self.s1}[array]

    def as_plain(self) -> dict[str, Any]:
        """As plain data, for a digest or JSON."""
        return {"s2": self.s2.as_attributes(), "s1": self.s1.as_attributes()}


PUBLISHED: Final = StoreScaling(S2_SCALING, S1_SCALING)


class BandTotals:
    """Adds up band sums exactly: no order, grouping or number of parts changes a bit of mean and deviation."""

    def __init__(self, bands: tuple[str, ...]) -> None:
        self.bands = bands
        self._totals = [[0, 0, 0] for _ in bands]

    def add(self, pixels: Iterable[int], totals: Iterable[float], squares: Iterable[float], band: int) -> None:
        """Count in sums of one band, as in BandSum."""
        here = self._totals[band]
        here[0] += sum(pixels)
        here[1] += sum(int(total * WHOLE) for total in totals)
        here[2] += sum(int(square * WHOLE) for square in squares)

    def add_sum(self, band_sum: BandSum, band: int) -> None:
        """Count in the sums of one band."""
        self.add([band_sum.pixels], [band_sum.total], [band_sum.squares], band)

    def moments(self, band: int) -> tuple[int, float, float] | None:
        """(observed pixels, mean, population standard deviation), or None where nothing was observed."""
        pixels, total, squares = self._totals[band]
        if not pixels:
            return None
        mean = Fraction(total, pixels * WHOLE)
        variance = Fraction(squares, pixels * WHOLE) - mean**2
        return pixels, float(mean), math.sqrt(max(float(variance), 0.0))

    def scaling(self, clip_std: float) -> Scaling:
        """The scaling by these bands' own figures; NoldoError where a band has none, or no spread."""
        found = [self.moments(at) for at in range(len(self.bands))]
        for band, moments in zip(self.bands, found, strict=True):
            if moments is None or not moments[2] > 0:
                what = "was never observed" if moments is None else f"is {moments[1]:g} everywhere"
                raise NoldoError(
                    f"store.statistics: own cannot scale band {band}, which {what} in the kept locations; "
                    f"use published, or state mean and std in the recipe"
                )
        seen = [moments for moments in found if moments is not None]
        return Scaling(self.bands, tuple(m[1] for m in seen), tuple(m[2] for m in seen), clip_std, source="own")


def fixed_scaling(statistics: Statistics, clip_std: float) -> StoreScaling | None:
    """The scaling that the recipe's settings alone decide; None for the store's own, which is to be added up."""
    if statistics == "own":
        return None
    if isinstance(statistics, GivenStatistics):
        s2, s1 = statistics.s2, statistics.s1
        return StoreScaling(
            Scaling(S2_BANDS, s2.mean, s2.std, clip_std, source="given"),
            Scaling(S1_BANDS, s1.mean, s1.std, clip_std, source="given"),
        )
    return StoreScaling(replace(S2_SCALING, clip_std=clip_std), replace(S1_SCALING, clip_std=clip_std))


def own_scaling(s2: BandTotals, s1: BandTotals, clip_std: float) -> StoreScaling:
    """The scaling by a store's own observed pixels; NoldoError where a band has no spread."""
    return StoreScaling(s2.scaling(clip_std), s1.scaling(clip_std))
