"""The network that a run's settings ask for."""

from pipeline.schema.bands import S1_BANDS
from pipeline.schema.landcover import N_DW_CLASSES
from training.dual_unet import build_network
from training.segmenter import Segmenter
from training.settings import PretrainSettings
from training.single_unet import build_single


def network_for(settings: PretrainSettings) -> Segmenter:
    """Return a network on the CPU, its initial weights drawn from torch's default generator.

    UsageError for an unknown encoder.
    """
    if settings.modalities == "both":
        return build_network(
            settings.fusion,
            encoder=settings.encoder,
            decoder_channels=settings.decoder_channels,
            s1_bands=len(S1_BANDS),
            s2_bands=settings.s2_bands,
            classes=N_DW_CLASSES,
        )
    return build_single(
        settings.modalities,
        encoder=settings.encoder,
        decoder_channels=settings.decoder_channels,
        bands=len(S1_BANDS) if settings.modalities == "s1" else settings.s2_bands,
        classes=N_DW_CLASSES,
    )
