"""What of a run's settings can be refused before anything is built or read."""

from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PATCH_PX
from training.encoder import require_encoder
from training.settings import STRIDE_PX, PretrainSettings


def check_settings(settings: PretrainSettings) -> None:
    """Raise UsageError for an unknown encoder, or a crop larger than the patches that a build makes."""
    require_encoder(settings.encoder)
    if settings.crop_px > PATCH_PX:
        raise UsageError(
            f"crop_px is {settings.crop_px}, but a patch has {PATCH_PX} px a side; "
            f"give at most {PATCH_PX - PATCH_PX % STRIDE_PX}"
        )
