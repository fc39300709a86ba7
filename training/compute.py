"""Where a run computes, and batches as the network takes them.

Tensors carry their dimensions: B samples, S seasons, C bands, H rows, W columns.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from pipeline.schema.bands import S2_BANDS, S2_BANDS_9
from pipeline.schema.errors import UsageError
from training.augment import IMAGE_MAX, Placement, place_images, place_labels
from training.loader import Batch
from training.settings import PretrainSettings
from training.smoothing import chosen_label
from training.soft_labels import normalised
from training.to_device import to_device


@dataclass(frozen=True)
class Compute:
    """A device and its arithmetic."""

    device: torch.device
    bf16: bool
    """Whether the network runs under bf16 autocast; losses are float32 either way."""
    compile: bool = False
    """Whether network and losses are compiled for training."""

    @property
    def pinned(self) -> bool:
        """Whether host memory is to be page-locked, for copies that overlap the device's work."""
        return self.device.type == "cuda"

    def autocast(self) -> torch.autocast:
        """The context to run the network in."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.bf16)

    def settle(self, network: nn.Module) -> nn.Module:
        """Move a network to the device, its weights stored channels last, which convolutions run faster on."""
        return network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True)
class Inputs:
    """A batch on the device."""

    s1: Tensor
    """float32, 0..1, channels last."""
    s2: Tensor
    """float32, 0..1, channels last, 13 or 9 bands."""
    labels: Tensor
    """uint8: class 0..8, or 255 where there is no label."""
    season: Tensor
    """int64: which of the four seasons the images are of."""
    probabilities: Tensor | None = None
    """float32 (B, 9, H, W): the images' season's class probabilities, sum 1, or 0 where there is no label; None where
    they were not read."""
    confidence: Tensor | None = None
    """float32 (B, H, W), 0..1: the confidence that the labels of the images' season came with; None where it was not
    read."""

    @property
    def label(self) -> Tensor:
        """The label map of the images' own season."""
        return self.labels[torch.arange(len(self.season), device=self.season.device), self.season]


def choose_compute(settings: PretrainSettings, local_rank: int = 0) -> Compute:
    """Settle 'auto' device, precision and compilation of a pretraining run; as `settle_compute`."""
    return settle_compute(
        device=settings.device,
        precision=settings.precision,
        compiled=settings.compile,
        threads=settings.threads,
        local_rank=local_rank,
    )


def settle_compute(
    *,
    device: Literal["auto", "cpu", "cuda"],
    precision: Literal["auto", "float32", "bf16"],
    compiled: Literal["auto", "on", "off"],
    threads: int | None,
    local_rank: int = 0,
) -> Compute:
    """Settle 'auto' device, precision and compilation, and the number of threads (None: torch decides).

    `local_rank`: number of this process on its machine, which takes the GPU of that number.
    Raises UsageError where a GPU is asked for that is not there, or bf16 where it does not pay.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "cuda" and not gpus:
        raise UsageError("device is 'cuda', but PyTorch finds no GPU here; use device 'auto' or 'cpu'")
    chosen = _device(local_rank, gpus) if gpus and device != "cpu" else torch.device("cpu")
    if precision == "bf16" and chosen.type == "cpu":
        raise UsageError("precision 'bf16' is for GPUs only; use 'auto' or 'float32' on a CPU")
    bf16 = precision == "bf16" or (precision == "auto" and chosen.type == "cuda" and torch.cuda.is_bf16_supported())
    if threads is not None:
        torch.set_num_threads(threads)
    return Compute(chosen, bf16, compile=compiled == "on" or (compiled == "auto" and chosen.type == "cuda"))


def _device(local_rank: int, gpus: int) -> torch.device:
    if local_rank >= gpus:
        raise UsageError(
            f"process {local_rank} of this machine finds {gpus} GPUs here; start as many processes, or fewer"
        )
    device = torch.device("cuda", local_rank)
    torch.cuda.set_device(device)
    torch.backends.cudnn.benchmark = True  # batches are of two sizes, each convolution's fastest way is sought once
    return device


def network_inputs(batch: Batch, placement: Placement, *, s2_bands: int, compute: Compute) -> Inputs:
    """Move a batch to the device as uint8, and only there crop, turn and scale it."""

    def moved(tensor: Tensor) -> Tensor:
        return tensor.to(compute.device, non_blocking=True)

    share, sure = batch.probabilities, batch.confidence
    s2_BCHW = moved(batch.s2)
    if s2_bands != len(S2_BANDS):
        nine = torch.tensor([S2_BANDS.index(band) for band in S2_BANDS_9])
        s2_BCHW = s2_BCHW.index_select(1, to_device(nine, compute.device))
    return Inputs(
        s1=place_images(moved(batch.s1), placement),
        s2=place_images(s2_BCHW, placement),
        labels=place_labels(moved(batch.labels), placement),
        season=(season_B := moved(batch.season)),
        probabilities=None if share is None else normalised(place_images(moved(share), placement).contiguous()),
        confidence=None if sure is None else chosen_label(place_labels(moved(sure), placement), season_B) / IMAGE_MAX,
    )
