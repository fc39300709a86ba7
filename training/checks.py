"""What of a run's settings can be refused before anything is trained."""

from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PATCH_PX
from training.dataset import TrainingStore
from training.encoder import require_encoder
from training.label_source import OWN_LABELS
from training.settings import STRIDE_PX, PretrainSettings


def check_settings(settings: PretrainSettings, *, probabilities: bool) -> None:
    """Raise UsageError for what cannot run on the store that a build makes.

    That is an unknown encoder, a crop larger than its patches, labels that are yet to be added, or soft labels without
    class probabilities: `probabilities` tells whether the build writes them.
    """
    require_encoder(settings.encoder)
    if settings.crop_px > PATCH_PX:
        raise UsageError(
            f"crop_px is {settings.crop_px}, but a patch has {PATCH_PX} px a side; "
            f"give at most {PATCH_PX - PATCH_PX % STRIDE_PX}"
        )
    if settings.label_source != OWN_LABELS:
        raise UsageError(
            f"label_source is '{settings.label_source}', but the store of a build has '{OWN_LABELS}' alone at first; "
            "build, add labels (noldo pseudo-label), then run noldo pretrain"
        )
    if settings.objective.labels == "soft" and not probabilities:
        raise UsageError(
            "objective.labels is 'soft', but the recipe does not ask for class probabilities; "
            "set export.dw_probabilities to true, or objective.labels to 'hard'"
        )


def check_store(settings: PretrainSettings, store: TrainingStore) -> None:
    """Raise UsageError for a crop larger than the store's patches, or soft labels or confidences that are not there."""
    if settings.crop_px > store.patch_px:
        raise UsageError(
            f"crop_px is {settings.crop_px}, but the patches of {store.path} have {store.patch_px} px a side"
        )
    if settings.objective.labels == "soft" and store.dw_prob is None:
        raise UsageError(
            f"objective.labels is 'soft', but {store.path} has no class probabilities; "
            "build it with export.dw_probabilities: true, or set objective.labels to 'hard'"
        )
    if settings.objective.weigh_by_confidence and store.labels.confidence is None:
        raise UsageError(
            f"objective.weigh_by_confidence is on, but the labels {store.labels.folder} came without confidences; "
            "turn it off, or set label_source to labels that have them (noldo pseudo-label)"
        )
