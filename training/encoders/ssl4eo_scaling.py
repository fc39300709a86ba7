"""Input scaled as CromSS scales it: SSL4EO-S12's mean +- 2 standard deviations to 0..1, and no more.

Source: arXiv 2405.01217, section IV. MoCo, DINO and DeCUR of SSL4EO-S12 were trained on the same, rounded to uint8.
"""

from pipeline.schema.bands import S1_SCALING, S2_BANDS_9, S2_SCALING, Scaling
from pipeline.schema.errors import UsageError
from training.encoders.spec import InputSpec
from training.modality import Modality


def ssl4eo_input(modality: Modality, s2_bands: int | None = None) -> InputSpec:
    """Return the input of 2 bands of Sentinel-1, or of 13 (the default) or 9 of Sentinel-2, in store order.

    UsageError for another number of bands.
    """
    return scaled_input(modality, S1_SCALING if modality == "s1" else S2_SCALING, s2_bands)


def scaled_input(modality: Modality, scaling: Scaling, s2_bands: int | None = None) -> InputSpec:
    """Return the input that `scaling` makes of a modality, in 0..1; bands and errors as `ssl4eo_input`'s."""
    bands = scaling.bands
    if modality == "s2" and s2_bands == len(S2_BANDS_9):
        bands = S2_BANDS_9
    elif modality == "s2" and s2_bands not in (None, len(bands)):
        raise UsageError(f"s2_bands is {s2_bands}: this encoder takes {len(bands)} or {len(S2_BANDS_9)}")
    low, span = scaling.low_and_span()
    index = [scaling.bands.index(band) for band in bands]
    return InputSpec(
        modality=modality,
        bands=bands,
        low=tuple(float(low[i]) for i in index),
        high=tuple(float(low[i] + span[i]) for i in index),
        clip=True,
        mean=(0.0,) * len(bands),
        std=(1.0,) * len(bands),
    )
