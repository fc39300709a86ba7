"""Band names, published statistics and the scaling of stored images to uint8."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

S2_BANDS: Final = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
"""Sentinel-2 L1C bands in store order; digital numbers, reflectance x 10,000 without the baseline offset."""

S2_BANDS_9: Final = ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B11", "B12")
"""The nine-band variant of CromSS (paper, section IV)."""

S1_BANDS: Final = ("VV", "VH")
"""Sentinel-1 GRD IW polarisations in store order; dB."""

DW_LABEL_BAND: Final = "label"

S2_NODATA: Final = 0
"""Digital number of a Sentinel-2 L1C pixel that was not observed."""

S1_NODATA: Final = -9999.0
"""Stands for a Sentinel-1 pixel that was not observed; far outside any backscatter in dB."""


@dataclass(frozen=True)
class Scaling:
    """Linear map of raw band values to uint8: clip to mean +- clip_std * std, then stretch to 0..255."""

    bands: tuple[str, ...]
    mean: tuple[float, ...]
    """Per band, in the band's own unit."""
    std: tuple[float, ...]
    """Per band, in the band's own unit."""
    clip_std: float = 2.0
    """Half width of the kept range, in standard deviations."""

    def to_uint8(self, raw_BHW: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Scale (..., bands, height, width) of raw values to uint8; rounds to nearest."""
        if raw_BHW.shape[-3] != len(self.bands):
            raise ValueError(f"expected {len(self.bands)} bands on axis -3, got shape {raw_BHW.shape}")
        low = np.array(self.mean) - self.clip_std * np.array(self.std)
        span = 2 * self.clip_std * np.array(self.std)
        unit = (raw_BHW.astype(np.float32) - low[:, None, None].astype(np.float32)) * (
            255.0 / span[:, None, None]
        ).astype(np.float32)
        return np.rint(np.clip(unit, 0.0, 255.0)).astype(np.uint8)


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
