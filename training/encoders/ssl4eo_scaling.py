"""Input scaled as CromSS scales it: mean +- 2 standard deviations of SSL4EO-S12 to 0..1, and no more.

Source: arXiv 2405.01217, section IV; github.com/zhu-xlab/SSL4EO-S12, ssl4eo_dataset.py, `normalize`.
"""

from collections.abc import Sequence

from pipeline.schema.bands import S1_SCALING, S2_BANDS, S2_BANDS_9, S2_SCALING, Scaling
from pipeline.schema.errors import UsageError
from training.encoders.spec import InputSpec
from training.modality import Modality


def ssl4eo_input(modality: Modality, s2_bands: int | None = None) -> InputSpec:
    """Return the input of 2 bands of Sentinel-1, or of 13 (the default) or 9 of Sentinel-2, in store order.

    UsageError for another number of bands.
    """
    if modality == "s1":
        return scaled_input(modality, S1_SCALING, S1_SCALING.bands)
    return scaled_input(modality, S2_SCALING, bands_by_number(s2_bands))


def bands_by_number(s2_bands: int | None) -> tuple[str, ...]:
    """Return the 13 (also for None) or 9 bands of Sentinel-2 that CromSS takes; UsageError for another number."""
    known = {None: S2_BANDS, len(S2_BANDS): S2_BANDS, len(S2_BANDS_9): S2_BANDS_9}
    if s2_bands not in known:
        raise UsageError(f"s2_bands is {s2_bands}: this encoder takes {len(S2_BANDS)} or {len(S2_BANDS_9)}")
    return known[s2_bands]


def scaled_input(modality: Modality, scaling: Scaling, bands: Sequence[str]) -> InputSpec:
    """Return the input that `scaling` makes of some of its bands, in their order, clipped to 0..1."""
    low, span = scaling.low_and_span()
    index = [scaling.bands.index(band) for band in bands]
    return InputSpec(
        modality=modality,
        bands=tuple(bands),
        low=tuple(float(low[i]) for i in index),
        high=tuple(float(low[i] + span[i]) for i in index),
        clip=True,
        mean=(0.0,) * len(bands),
        std=(1.0,) * len(bands),
    )
