"""What of a run's settings can be refused before anything is trained."""

from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PATCH_PX
from training.dataset import TrainingStore
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


def check_store(settings: PretrainSettings, store: TrainingStore) -> None:
    """Raise UsageError for a crop larger than the store's patches, or soft labels that the store does not have."""
    if settings.crop_px > store.patch_px:
        raise UsageError(
            f"crop_px is {settings.crop_px}, but the patches of {store.path} have {store.patch_px} px a side"
        )
    if settings.objective.labels == "soft" and store.dw_prob is None:
        raise UsageError(
            f"objective.labels is 'soft', but {store.path} has no class probabilities; "
            "build it with export.dw_probabilities: true, or set objective.labels to 'hard'"
        )
