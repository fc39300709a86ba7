"""What a pretrained network is worth on the held-out locations, and a few of its masks to look at.

Tensors carry their dimensions: B samples, C classes or bands, H rows, W columns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import log_softmax, pad

from pipeline.schema.errors import NoldoError
from pipeline.schema.landcover import IGNORE, N_DW_CLASSES
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import N_SEASONS
from training.augment import centre
from training.compute import Compute, network_inputs
from training.cromss import support
from training.dataset import Split, TrainingStore, open_truth
from training.epoch_plan import BatchPlan, in_batches, plan_all_seasons
from training.loader import Batch, read_all_seasons, read_batches, read_labels
from training.metrics import WeightCounts, confusion_matrix, scores
from training.modality import Modality
from training.ramp import selection_ratio
from training.segmenter import Segmenter
from training.selection import segmentation_weights
from training.settings import STRIDE_PX, PretrainSettings

SHOWN = 6
"""Locations whose masks are kept for the report."""


@dataclass(frozen=True)
class Evaluation:
    """The end of a run."""

    result: dict[str, Any]
    """The part of result.json that scores the network, plain data."""
    masks: dict[str, NDArray[np.generic]]
    """The arrays of masks.npz."""


@dataclass(frozen=True)
class Examined:
    """What the network makes of a batch of whole patches; every tensor (B, H, W), on the CPU."""

    label: Tensor
    """uint8, the noisy label."""
    prediction: Mapping[Modality, Tensor]
    """uint8 class."""
    weight: Mapping[Modality, Tensor]
    """float32 segmentation weight w_i (eq. 11) at the objective's final ratio."""
    confidence: Mapping[Modality, Tensor]
    """float32 label confidence (eq. 8), enhanced by the other modality (eq. 10) where there is one."""


def evaluate(
    network: Segmenter,
    store: TrainingStore,
    split: Split,
    *,
    settings: PretrainSettings,
    compute: Compute,
    reference: AnyPath | None,
) -> Evaluation:
    """Score all four seasons of the held-out locations against the truth where there is one, and the labels.

    The labels are those of the store's label source, by whose name (dw, ...) the result has them.
    Batch norm runs on its stored statistics. Of the noisy labels it is the likeliest class that counts, also where
    a network learnt their probabilities.
    `reference`: a Zarr group with the true land cover, or None.
    Raises NoldoError where no pixel of the held-out locations has what it would be scored against.
    """
    truth = None if reference is None else open_truth(reference, store)
    majority = int(label_counts(store, split.train, settings.batch_size).argmax())
    tally = _Tally(network.modalities, store.labels.name)
    plans = plan_all_seasons(split.held_out, settings.batch_size)
    for plan, batch in zip(plans, _read(store, plans, settings, compute), strict=True):
        examined = examine(network, batch, settings=settings, compute=compute)
        tally.add(examined, None if truth is None else read_labels(truth, plan))
    masks = _shown(network, store, split, truth, settings=settings, compute=compute)
    return Evaluation(tally.result(majority, with_truth=truth is not None), masks)


@torch.no_grad()
def examine(network: Segmenter, batch: Batch, *, settings: PretrainSettings, compute: Compute) -> Examined:
    """Run the network on whole patches, mirrored at the border to a size that it takes, and weigh their labels.

    The weights are those of the last training epochs: selection with the ramp at its end, thresholds over the batch;
    also where the network was trained without selection. A single modality is weighed by its own confidence.
    """
    network.eval()
    px = batch.s2.shape[-1]
    inputs = network_inputs(batch, centre(len(batch.rows), px, px), s2_bands=settings.s2_bands, compute=compute)
    with compute.autocast():
        padded: dict[Modality, Tensor] = network(_padded(inputs.s1), _padded(inputs.s2))
    before = _margins(px)[0]
    logits = {m: p[..., before : before + px, before : before + px] for m, p in padded.items()}
    log_p = {m: log_softmax(logits_BCHW.float(), dim=1) for m, logits_BCHW in logits.items()}
    label_BHW = inputs.label
    soft_BCHW = inputs.probabilities if settings.objective.labels == "soft" else None
    confidence = support(log_p, label_BHW, soft_BCHW)
    ratio = selection_ratio(1.0, final_ratio=settings.objective.final_ratio)
    return Examined(
        label=label_BHW.cpu(),
        prediction={m: logits_BCHW.argmax(1).to(torch.uint8).cpu() for m, logits_BCHW in logits.items()},
        weight={
            m: segmentation_weights(f_BHW, label_BHW, ratio=ratio, classes=N_DW_CLASSES).cpu()
            for m, f_BHW in confidence.items()
        },
        confidence={m: f_BHW.cpu() for m, f_BHW in confidence.items()},
    )


def _read(
    store: TrainingStore, plans: Sequence[BatchPlan], settings: PretrainSettings, compute: Compute
) -> Iterator[Batch]:
    return read_batches(store, plans, pin=compute.pinned, probabilities=settings.objective.labels == "soft")


def label_counts(store: TrainingStore, rows: NDArray[np.int64], batch_size: int) -> Tensor:
    """Pixels of each class in all four seasons of the rows' noisy labels: int64 (9,)."""
    counts_C = torch.zeros(N_DW_CLASSES, dtype=torch.int64)
    for start in range(0, len(rows), batch_size):
        label_BSHW = read_all_seasons(store.labels.array, rows[start : start + batch_size])
        counts_C += torch.bincount(label_BSHW.flatten(), minlength=IGNORE + 1)[:N_DW_CLASSES]
    return counts_C


class _Tally:
    """Confusion matrices and weight counts, batch after batch."""

    def __init__(self, modalities: Sequence[Modality], labels: str) -> None:
        """`labels`: what the labels that were learnt are called."""

        def empty() -> Tensor:
            return torch.zeros((N_DW_CLASSES, N_DW_CLASSES), dtype=torch.int64)

        self.name = labels
        self.labels = {m: empty() for m in modalities}
        self.truth = {m: empty() for m in modalities}
        self.label_truth = empty()
        self.weights = {m: WeightCounts(N_DW_CLASSES) for m in modalities}
        self.confidences = {m: WeightCounts(N_DW_CLASSES) for m in modalities}

    def add(self, examined: Examined, truth_BHW: Tensor | None) -> None:
        for m in self.labels:
            self.labels[m] += confusion_matrix(examined.prediction[m], examined.label, N_DW_CLASSES)
        if truth_BHW is None:
            return
        self.label_truth += confusion_matrix(examined.label, truth_BHW, N_DW_CLASSES)
        for m in self.truth:
            self.truth[m] += confusion_matrix(examined.prediction[m], truth_BHW, N_DW_CLASSES)
            self.weights[m].add(examined.weight[m], examined.label, truth_BHW)
            self.confidences[m].add(examined.confidence[m], examined.label, truth_BHW)

    def result(self, majority: int, *, with_truth: bool) -> dict[str, Any]:
        _require_pixels(self.labels, "a label")
        against_labels = _score_table(self.labels, majority)
        if not with_truth:
            return {"against": self.name, "scores": against_labels}
        _require_pixels(self.truth, "a true class")
        _require_pixels({"label": self.label_truth}, "both a label and a true class")
        against_truth = _score_table(self.truth, majority)
        against_truth[f"{self.name}_label"] = asdict(scores(self.label_truth))
        return {
            "against": "truth",
            "scores": against_truth,
            f"scores_against_{self.name}": against_labels,
            "selection_auc": _auc_table(self.weights),
            "confidence_auc": _auc_table(self.confidences),
        }


def _require_pixels(confusions: Mapping[Any, Tensor], what: str) -> None:
    if not any(int(confusion_CC.sum()) for confusion_CC in confusions.values()):
        raise NoldoError(
            f"no pixel of the held-out locations has {what}, so there is nothing to score; "
            "hold out more locations (val_fraction), or give another reference"
        )


def _score_table(confusions: Mapping[Modality, Tensor], majority: int) -> dict[str, Any]:
    """Sentinel-2, the better one as a rule, stands first; a modality that the network does not see is absent."""
    some_CC = next(iter(confusions.values()))
    constant_CC = torch.zeros_like(some_CC)
    constant_CC[:, majority] = some_CC.sum(1)
    return {
        **{f"network_{m}": asdict(scores(confusions[m])) for m in sorted(confusions, reverse=True)},
        "majority_class": {**asdict(scores(constant_CC)), "class": majority},
    }


def _auc_table(counts: Mapping[Modality, WeightCounts]) -> dict[str, Any]:
    pooled: dict[str, Any] = {m: of_modality.auc() for m, of_modality in counts.items()}
    return {**pooled, "per_class": {m: list(of_modality.auc_per_class()) for m, of_modality in counts.items()}}


def _shown(
    network: Segmenter,
    store: TrainingStore,
    split: Split,
    truth: Any | None,
    *,
    settings: PretrainSettings,
    compute: Compute,
) -> dict[str, NDArray[np.generic]]:
    """A season each of a few locations, held-out ones first; `held_out` (K,) tells which these are."""
    rows = np.concatenate((split.held_out, split.train))[:SHOWN]
    seasons = np.arange(len(rows)) % N_SEASONS
    (plan,) = in_batches(rows, seasons, SHOWN)
    (batch,) = _read(store, [plan], settings, compute)
    examined = examine(network, batch, settings=settings, compute=compute)
    arrays: dict[str, NDArray[np.generic]] = {
        "location_row": rows,
        "season": seasons,
        "held_out": np.isin(rows, split.held_out),
        "s1": batch.s1.numpy(),
        "s2": batch.s2.numpy(),
        "label": examined.label.numpy(),
    }
    if truth is not None:
        arrays["truth"] = read_labels(truth, plan).numpy()
    for m in network.modalities:
        arrays[f"weight_{m}"] = examined.weight[m].numpy().astype(np.float16)
        arrays[f"prediction_{m}"] = examined.prediction[m].numpy()
    return arrays


def _margins(px: int) -> tuple[int, int]:
    missing = -px % STRIDE_PX
    return missing // 2, missing - missing // 2


def _padded(image_BCHW: Tensor) -> Tensor:
    return pad(image_BCHW, 2 * _margins(image_BCHW.shape[-1]), mode="reflect")
