"""What a trained network makes of the test tiles.

Tensors carry their dimensions: B samples, C classes or bands, H rows, W columns.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.schema.errors import NoldoError
from training.metrics import confusion_matrix
from training.transfer.batch_inputs import tile_inputs
from training.transfer.network import TransferNetwork
from training.transfer.predict import Viewing, tile_probabilities
from training.transfer.setup import Setup
from training.transfer.tile_plan import plan_tile_test
from training.transfer.tile_reader import read_tile_batches


@dataclass(frozen=True)
class TileOutcome:
    """The whole test set in one confusion matrix, and a few of its tiles."""

    confusion: Tensor
    """int64 (classes, classes): pixels by (label, prediction), on the CPU."""
    shown: dict[str, NDArray[np.generic]]
    """The arrays of predictions.npz."""


def batches_of_test(setup: Setup) -> int:
    """How many batches the test tiles make."""
    return -(-setup.test.tiles // setup.settings.batch_size)


@torch.no_grad()
def score_tiles(network: TransferNetwork, setup: Setup, *, batch_done: Callable[[int], None]) -> TileOutcome:
    """Predict every test tile, on stored batch norm statistics, and count its labelled pixels.

    `batch_done`: told how many batches are done. Raises NoldoError where no pixel of the test tiles has a label.
    """
    network.eval()
    settings, test, compute = setup.settings, setup.test, setup.compute
    viewing = Viewing(settings.window_px, settings.overlap, settings.tta.flips, settings.tta.scales)
    rows = np.arange(test.tiles)
    shown_rows = np.unique(np.linspace(0, test.tiles - 1, min(settings.shown_tiles, test.tiles)).round().astype(int))
    shown = _Shown(test.modality)
    classes = len(test.classes)
    confusion_CC = torch.zeros((classes, classes), dtype=torch.int64)

    def forward(image_BCHW: Tensor) -> Tensor:
        with compute.autocast():
            logits_BCHW: Tensor = network(image_BCHW)
        return logits_BCHW

    plans = plan_tile_test(rows, tile_px=test.tile_px, batch_size=settings.batch_size)
    for done, batch in enumerate(read_tile_batches(test, plans, pin=compute.pinned), start=1):
        inputs = tile_inputs(batch, test, setup.image, compute)
        prediction_BHW = tile_probabilities(forward, inputs.image, viewing).argmax(1).to(torch.uint8)
        confusion_CC += confusion_matrix(prediction_BHW, inputs.label, classes)
        for sample in np.flatnonzero(np.isin(batch.plan.rows, shown_rows)).tolist():
            shown.add(int(batch.plan.rows[sample]), batch.image[sample], batch.label[sample], prediction_BHW[sample])
        batch_done(done)
    if not int(confusion_CC.sum()):
        raise NoldoError(f"{test.path}: no pixel has a label of '{test.label_name}' to score by; give another store")
    return TileOutcome(confusion_CC, shown.arrays(test.tile_px))


class _Shown:
    """Tiles kept for figures: the raw image as stored, and label and prediction by place in the legend."""

    def __init__(self, modality: str) -> None:
        self._modality = modality
        self._tiles: list[tuple[int, NDArray[np.generic], NDArray[np.generic], NDArray[np.generic]]] = []

    def add(self, row: int, image_CHW: Tensor, label_HW: Tensor, prediction_HW: Tensor) -> None:
        self._tiles.append((row, image_CHW.numpy().copy(), label_HW.numpy().copy(), prediction_HW.cpu().numpy()))

    def arrays(self, tile_px: int) -> dict[str, NDArray[np.generic]]:
        if not self._tiles:
            nothing = np.zeros((0, tile_px, tile_px), np.uint8)
            return {"row": np.zeros(0, np.int64), "label": nothing, "prediction": nothing}
        rows, images, labels, predictions = zip(*self._tiles, strict=True)
        return {
            "row": np.array(rows, np.int64),
            self._modality: np.stack(images),
            "label": np.stack(labels),
            "prediction": np.stack(predictions),
        }
