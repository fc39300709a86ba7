"""The layers of a U-Net, as they are compared: encoder stages, decoder blocks, head.

Dimensions: B images, C channels, H rows, W columns.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from training.single_unet import SingleUNet

Part = Literal["encoder", "decoder", "head"]


@dataclass(frozen=True)
class Layer:
    """One of the layers, in the order that an image passes them."""

    part: Part
    number: int
    """Stage of the encoder, from the one that halves the image, or block of the decoder, from the deepest; from 1."""

    @property
    def name(self) -> str:
        """encoder 1, decoder 5, head."""
        return self.part if self.part == "head" else f"{self.part} {self.number}"


@contextmanager
def watched(network: SingleUNet) -> Iterator[dict[Layer, Tensor]]:
    """What each layer gave for the images that last went through the network: (B, C, H, W), filled anew each time.

    A stage of the encoder gives its feature map, the head its logits.
    """
    seen: dict[Layer, Tensor] = {}

    def take_stages(_: nn.Module, __: Any, features: list[Tensor]) -> None:
        seen.clear()
        seen.update({Layer("encoder", number): stage for number, stage in enumerate(features[1:], 1)})

    def take(layer: Layer) -> Any:
        def hook(_: nn.Module, __: Any, output_BCHW: Tensor) -> None:
            seen[layer] = output_BCHW

        return hook

    blocks = _blocks(network)
    handles = [network.encoder.register_forward_hook(take_stages)]
    handles += [b.register_forward_hook(take(Layer("decoder", number))) for number, b in enumerate(blocks, 1)]
    handles.append(network.segmentation_head.register_forward_hook(take(Layer("head", 1))))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def batch_norm_layers(network: SingleUNet, image_BCHW: Tensor) -> dict[str, Layer]:
    """Return which layer each batch norm of encoder and decoder belongs to, by its name in the network.

    One of the encoder belongs to the first stage whose features depend on it, whatever the encoder is made of; one on
    which no stage depends is left out. `image_BCHW`: any images that the encoder takes. Batch norm must run on its
    stored statistics.
    """
    norms = {name: module for name, module in network.encoder.named_modules() if isinstance(module, _BatchNorm)}
    scales = {name: module.weight for name, module in norms.items() if module.weight is not None}
    found: dict[str, Layer] = {}
    with torch.enable_grad():
        for number, feature_BCHW in enumerate(network.encoder(image_BCHW)[1:] if scales else (), 1):
            gradients = torch.autograd.grad(
                feature_BCHW.sum(), list(scales.values()), retain_graph=True, allow_unused=True
            )
            for name, gradient in zip(scales, gradients, strict=True):
                if gradient is not None:
                    found.setdefault(f"encoder.{name}", Layer("encoder", number))
    for number, block in enumerate(_blocks(network), 1):
        inside = [name for name, module in block.named_modules() if isinstance(module, _BatchNorm)]
        found |= {f"decoder.blocks.{number - 1}.{name}": Layer("decoder", number) for name in inside}
    return found


def _blocks(network: SingleUNet) -> Iterator[nn.Module]:
    blocks = network.decoder.blocks
    assert isinstance(blocks, nn.ModuleList)
    return iter(blocks)
