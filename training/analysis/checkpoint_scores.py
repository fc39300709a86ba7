"""What pretrained U-Nets are worth on expert-marked tiles, checkpoint by checkpoint (Fig. 8a, b)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from pipeline.schema.landcover import N_DW_CLASSES
from training.analysis.runs import Checkpoint, PretrainRun, load_network
from training.analysis.subject import AnalysisSettings
from training.analysis.tile_view import see_tiles
from training.analysis.unet_parts import modalities_of
from training.compute import Compute
from training.metrics import confusion_matrix, scores
from training.modality import Modality
from training.transfer.tile_store import TileStore


@dataclass(frozen=True)
class CheckpointScore:
    """One checkpoint in one modality, over the whole test set; scores 0..1."""

    run: str
    modality: Modality
    epoch: int
    oa: float
    aa: float
    miou: float
    mf1: float
    pixels: int
    """Labelled pixels that were counted."""


def checkpoint_scores(
    run: PretrainRun,
    checkpoint: Checkpoint,
    stores: dict[Modality, TileStore],
    *,
    settings: AnalysisSettings,
    compute: Compute,
) -> Iterator[CheckpointScore]:
    """Score a checkpoint in each modality of its network, from one confusion matrix each over all tiles.

    `stores`: the test set by modality, with labels of Dynamic World's classes. ValueError where no pixel has a label.
    """
    network = load_network(run, checkpoint, compute)
    for modality in modalities_of(run.settings):
        store = stores[modality]
        confusion_CC = torch.zeros((N_DW_CLASSES, N_DW_CLASSES), dtype=torch.int64)
        for seen in see_tiles(network, run, store, np.arange(store.tiles), settings=settings, compute=compute):
            confusion_CC += confusion_matrix(seen.prediction, seen.label, N_DW_CLASSES)
        found = scores(confusion_CC)
        yield CheckpointScore(
            run.name, modality, checkpoint.epoch, found.oa, found.aa, found.miou, found.mf1, found.pixels
        )
