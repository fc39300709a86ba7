"""The network as it is trained: shared by processes, compiled where that pays."""

from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from training.compute import Compute
from training.modality import Modality
from training.segmenter import Segmenter
from training.world import World

Forward = Callable[[Tensor, Tensor], Mapping[Modality, Tensor]]
"""(S1, S2) images to logits by modality."""


def trained_form(network: Segmenter, compute: Compute, world: World, *, whole: bool) -> Forward:
    """What training calls for `network`, whose weights stay the ones that are trained.

    `whole`: the network uses all its weights; an encoder cut short by its decoder has some that it does not.
    Several processes: gradients are their mean, and batch norm's running statistics those of rank 0
    (DistributedDataParallel); each takes its loss, and the selection's thresholds, over its own batch.
    Compiled for each size of batch by itself: an epoch has two, and code for any size is slower.
    """
    form: nn.Module = network
    if not world.alone:
        gpu = [compute.device] if compute.device.type == "cuda" else None
        form = DistributedDataParallel(form, device_ids=gpu, find_unused_parameters=not whole)
    if compute.compile:
        form = cast(nn.Module, torch.compile(form, dynamic=False))
    return form
