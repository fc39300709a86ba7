"""Whether a network's confidence can be taken at its word: reliability diagram and expected calibration error.

Guo et al., "On Calibration of Modern Neural Networks", ICML 2017 (arXiv 1706.04599), eq. 2, 3 and 5.
Dimensions: B batch, C class, H row, W column, K bins.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from pipeline.schema.landcover import IGNORE

BINS: Final = 15
"""Bins of equal width, as in the tables of Guo et al."""


@dataclass(frozen=True)
class ReliabilityBin:
    """The pixels whose predicted class has a probability within one bin."""

    low: float
    high: float
    """Of the bin, not included but for the last one's 1."""
    pixels: int
    confidence: float | None
    """Their mean probability of the predicted class; None where there are none."""
    accuracy: float | None
    """Share whose predicted class is right; None where there are none."""


class Reliability:
    """Counts pixels by the probability of their predicted class, batch after batch."""

    def __init__(self) -> None:
        self._pixels_K = torch.zeros(BINS, dtype=torch.float64)
        self._right_K = torch.zeros(BINS, dtype=torch.float64)
        self._confidence_K = torch.zeros(BINS, dtype=torch.float64)

    def add(self, log_p_BCHW: Tensor, target_BHW: Tensor) -> None:
        """Count the pixels that have a target; log-probabilities are float32, targets classes or 255."""
        log_p_BHW, class_BHW = log_p_BCHW.max(1)
        counted = target_BHW != IGNORE
        confidence_N = log_p_BHW[counted].double().exp()
        right_N = (class_BHW[counted] == target_BHW[counted]).double()
        bin_N = (confidence_N * BINS).long().clamp(0, BINS - 1)
        self._pixels_K += torch.bincount(bin_N, minlength=BINS).cpu()
        self._right_K += torch.bincount(bin_N, weights=right_N, minlength=BINS).cpu()
        self._confidence_K += torch.bincount(bin_N, weights=confidence_N, minlength=BINS).cpu()

    @property
    def pixels(self) -> int:
        """Pixels counted."""
        return int(self._pixels_K.sum())

    def bins(self) -> list[ReliabilityBin]:
        """The reliability diagram, from 0 to 1."""
        figures = zip(self._pixels_K.tolist(), self._confidence_K.tolist(), self._right_K.tolist(), strict=True)
        return [
            ReliabilityBin(
                low=k / BINS,
                high=(k + 1) / BINS,
                pixels=int(pixels),
                confidence=confidence / pixels if pixels else None,
                accuracy=right / pixels if pixels else None,
            )
            for k, (pixels, confidence, right) in enumerate(figures)
        ]

    def ece(self) -> float:
        """Expected calibration error, 0..1: mean gap between confidence and accuracy, each bin by its pixels (eq. 3).

        ValueError where no pixel was counted.
        """
        if not self.pixels:
            raise ValueError("no pixel has a target; there is nothing to calibrate against")
        return float((self._confidence_K - self._right_K).abs().sum() / self._pixels_K.sum())
