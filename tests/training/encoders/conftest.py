from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
import torch
from torch import Tensor, nn

DATA = Path(__file__).parent / "data"


def value_of(name: str) -> float:
    """A number of its own for every weight's name."""
    return crc32(name.encode()) % 1000 / 1000 - 0.5


@pytest.fixture
def stand_ins() -> Callable[[Mapping[str, tuple[int, ...]], str], dict[str, Tensor]]:
    """Tensors of published shapes that take no memory: one value each, told by the name behind the prefix."""

    def make(shapes: Mapping[str, tuple[int, ...]], prefix: str = "") -> dict[str, Tensor]:
        return {prefix + name: torch.tensor(value_of(name)).expand(shape) for name, shape in shapes.items()}

    return make


@pytest.fixture
def holds_stand_ins() -> Callable[[nn.Module], list[str]]:
    """Names of an encoder's weights that are not the stand-in of their name."""

    def wrong(encoder: nn.Module) -> list[str]:
        return [
            name
            for name, weight in encoder.state_dict().items()
            if not torch.equal(weight, torch.full_like(weight, value_of(name)))
        ]

    return wrong


@pytest.fixture
def resnet50_shapes() -> Callable[[int], dict[str, tuple[int, ...]]]:
    """Names and shapes of torchvision's ResNet-50 for so many bands, without its classifier."""

    def shapes(bands: int) -> dict[str, tuple[int, ...]]:
        from torchvision.models import resnet50

        with torch.device("meta"):
            network = resnet50()
            network.conv1 = nn.Conv2d(bands, 64, kernel_size=7, stride=2, padding=3, bias=False)
        weights = network.state_dict()
        return {name: tuple(weight.shape) for name, weight in weights.items() if not name.startswith("fc.")}

    return shapes


@pytest.fixture
def vit_large_shapes() -> dict[str, tuple[int, ...]]:
    """The 24 layers of MAE's ViT-Large and its last norm, as every descendant names them."""
    width, hidden = 1024, 4096
    layer = {
        "norm1.weight": (width,),
        "norm1.bias": (width,),
        "attn.qkv.weight": (3 * width, width),
        "attn.qkv.bias": (3 * width,),
        "attn.proj.weight": (width, width),
        "attn.proj.bias": (width,),
        "norm2.weight": (width,),
        "norm2.bias": (width,),
        "mlp.fc1.weight": (hidden, width),
        "mlp.fc1.bias": (hidden,),
        "mlp.fc2.weight": (width, hidden),
        "mlp.fc2.bias": (width,),
    }
    layers = {f"blocks.{i}.{name}": shape for i in range(24) for name, shape in layer.items()}
    return {"cls_token": (1, 1, width), **layers, "norm.weight": (width,), "norm.bias": (width,)}


@pytest.fixture
def reference_tokens() -> Callable[[str], tuple[Any, Callable[[nn.Module, int, int], Any]]]:
    """What the published code computes (data/make_reference_tokens.py), and the same of one of our encoders."""

    def ours(encoder: nn.Module, bands: int, side: int) -> Any:
        fixed = [(name, buffer) for name, buffer in encoder.named_buffers() if name == "pos_embed"]
        for name, parameter in (*encoder.named_parameters(), *fixed):
            values = np.random.RandomState(crc32(name.encode())).standard_normal(tuple(parameter.shape)) * 0.1
            if name.endswith(("norm1.weight", "norm2.weight")) or name == "norm.weight":
                values += 1.0
            parameter.data.copy_(torch.from_numpy(values))
        image = torch.from_numpy(np.random.RandomState(bands).standard_normal((1, bands, side, side))).float()
        kept: list[Tensor] = []
        for block in encoder.blocks:
            block.register_forward_hook(lambda _module, _inputs, output: kept.append(output[0, ::7, ::5]))
        with torch.no_grad():
            encoder.eval()(image)
        return torch.stack(kept).numpy()

    def both(name: str) -> tuple[Any, Callable[[nn.Module, int, int], Any]]:
        with np.load(DATA / "reference_tokens.npz") as stored:
            return stored[name], ours

    return both
