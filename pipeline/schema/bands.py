"""Band names, published statistics and the scaling of stored images to uint8."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

S2_BANDS: Final = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
"""Sentinel-2 L1C bands in store order; digital numbers, reflectance x 10,000 without the baseline offset."""

S2_BANDS_9: Final = ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B11", "B12")
"""The nine-band variant of CromSS (paper, section IV)."""

S1_BANDS: Final = ("VV", "VH")
"""Sentinel-1 GRD IW polarisations in store order; dB."""

DW_LABEL_BAND: Final = "label"

DW_PROBABILITY_BANDS: Final = (
    "water", "trees", "grass", "flooded_vegetation", "crops", "shrub_and_scrub", "built", "bare", "snow_and_ice",
)  # fmt: skip
"""Estimated probabilities 0..1 in GOOGLE/DYNAMICWORLD/V1, in the order of the classes (Earth Engine catalogue)."""

S2_NODATA: Final = 0
"""Digital number of a Sentinel-2 L1C pixel that was not observed."""

S1_NODATA: Final = -9999.0
"""Stands for a Sentinel-1 pixel that was not observed; far outside any backscatter in dB."""


@dataclass(frozen=True)
class Scaling:
    """Linear map of raw band values to uint8: clip to mean +- clip_std * std, then stretch to 0..255.

    Raises ValueError where the figures do not fit the bands, or a band has no spread to be stretched.
    """

    bands: tuple[str, ...]
    mean: tuple[float, ...]
    """Per band, in the band's own unit."""
    std: tuple[float, ...]
    """Per band, in the band's own unit."""
    clip_std: float = 2.0
    """Half width of the kept range, in standard deviations."""
    source: str = "published"
    """Whose figures they are: 'published' (SSL4EO-S12 v1), 'own' (this store's observed pixels) or 'given'."""

    def __post_init__(self) -> None:
        """Check the figures."""
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != len(self.bands):
                raise ValueError(f"expected a {name} for each of {', '.join(self.bands)}, got {len(values)}")
        for band, mean, std in zip(self.bands, self.mean, self.std, strict=True):
            if not (math.isfinite(mean) and math.isfinite(std) and std > 0):
                raise ValueError(f"band {band} has mean {mean:g} and std {std:g}; a std above 0 is needed to scale it")
        if not (math.isfinite(self.clip_std) and self.clip_std > 0):
            raise ValueError(f"clip_std is {self.clip_std:g}, expected more than 0")

    def to_uint8(self, raw_BHW: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Scale (..., bands, height, width) of raw values to uint8; rounds to nearest."""
        if raw_BHW.shape[-3] != len(self.bands):
            raise ValueError(f"expected {len(self.bands)} bands on axis -3, got shape {raw_BHW.shape}")
        low, span = self.low_and_span()
        unit = (raw_BHW.astype(np.float32) - low[:, None, None].astype(np.float32)) * (
            255.0 / span[:, None, None]
        ).astype(np.float32)
        return np.rint(np.clip(unit, 0.0, 255.0)).astype(np.uint8)

    def low_and_span(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Per band, the raw value that becomes 0, and how much further up lies the one that becomes 255."""
        std = np.array(self.std)
        return np.array(self.mean) - self.clip_std * std, 2 * self.clip_std * std

    def as_attributes(self) -> dict[str, Any]:
        """As plain data: the attribute 'scaling' of a stored array."""
        return {"mean": list(self.mean), "std": list(self.std), "clip_std": self.clip_std, "source": self.source}

    @classmethod
    def from_attributes(cls, attributes: Mapping[str, Any]) -> "Scaling":
        """The scaling that a stored array's attributes state, under 'bands' and 'scaling'.

        Raises ValueError where they state none.
        """
        stated = attributes.get("scaling")
        if not isinstance(stated, Mapping) or not {"mean", "std", "clip_std"} <= stated.keys():
            raise ValueError("its attributes do not state mean, std and clip_std of a scaling")
        return cls(
            bands=tuple(attributes.get("bands", ())),
            mean=tuple(stated["mean"]),
            std=tuple(stated["std"]),
            clip_std=stated["clip_std"],
            source=stated.get("source", "published"),
        )


S2_SCALING: Final = Scaling(
    bands=S2_BANDS,
    mean=(1605.57504906, 1390.78157673, 1314.8729939, 1363.52445545, 1549.44374991, 2091.74883118,
          2371.7172463, 2299.90463006, 2560.29504086, 830.06605044, 22.10351321, 2177.07172323,
          1524.06546312),
    std=(786.78685367, 850.34818441, 875.06484736, 1138.84957046, 1122.17775652, 1161.59187054,
         1274.39184232, 1248.42891965, 1345.52684884, 577.31607053, 51.15431158, 1336.09932639,
         1136.53823676),
)  # fmt: skip
"""SSL4EO-S12 v1 statistics of Sentinel-2 L1C, as CromSS uses them (baseline offset removed)."""

S1_SCALING: Final = Scaling(bands=S1_BANDS, mean=(-12.54847273, -20.19237134), std=(5.25697717, 5.91150917))
"""SSL4EO-S12 v1 statistics of Sentinel-1 GRD, dB."""
