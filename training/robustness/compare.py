"""Two networks of one build, compared layer by layer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import mean

import torch

from training.analysis.batch_norm import layer_divergences
from training.robustness.cka import linear_cka
from training.robustness.features import Seen
from training.robustness.findings import LayerRow
from training.robustness.layers import Layer, batch_norm_layers
from training.settings import STRIDE_PX
from training.single_unet import SingleUNet


@dataclass(frozen=True)
class Viewed:
    """A network and what it makes of the held-out locations."""

    network: SingleUNet
    """In evaluation mode."""
    seen: Seen


def compare_layers(clean: Viewed, other: Viewed, *, name: str, rate: float | None, bands: int) -> Iterator[LayerRow]:
    """Yield a row for each layer, in the order that an image passes them.

    `name`, `rate`: of the other network; no rate: it is untrained, and its batch norm's statistics are not compared.
    `bands`: of an image. Both networks are of one build and saw the same pixels.
    """
    divergence = {} if rate is None else _divergence_by_layer(clean.network, other.network, bands)
    for layer, ours_NC in clean.seen.features.items():
        similarity = linear_cka(ours_NC, other.seen.features[layer])
        divergences = divergence.get(layer, [])
        yield LayerRow(
            network=name,
            rate=rate,
            layer=layer.name,
            part=layer.part,
            channels=ours_NC.shape[1],
            samples=len(ours_NC),
            cka=similarity.unbiased,
            cka_plain=similarity.plain,
            bn_kl=mean(divergences) if divergences else None,
            bn_layers=len(divergences),
        )


def _divergence_by_layer(clean: SingleUNet, other: SingleUNet, bands: int) -> Mapping[Layer, list[float]]:
    """The divergences of the batch norms of each layer that has any."""
    device = next(clean.parameters()).device
    any_image_BCHW = torch.rand((1, bands, 2 * STRIDE_PX, 2 * STRIDE_PX), device=device)
    states = [{name: tensor.cpu() for name, tensor in network.state_dict().items()} for network in (clean, other)]
    found: dict[Layer, list[float]] = {}
    of_layer = batch_norm_layers(clean, any_image_BCHW)
    for name, divergence in layer_divergences(*states).items():
        if name in of_layer:
            found.setdefault(of_layer[name], []).append(divergence)
    return found
