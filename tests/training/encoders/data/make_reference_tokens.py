"""Make reference_tokens.npz: what the published code of three vision transformers computes, at a small size.

    python make_reference_tokens.py TORCHGEO SATMAE

TORCHGEO: the folder torchgeo/models of torchgeo 0.8.1, of which dofa.py and scale_mae.py are read. SATMAE: a checkout
of github.com/sustainlab-group/SatMAE at b182634, with np.float replaced by float. Weights follow `rule_weights`,
images `rule_image`; the tests fill this project's encoders in the same way.
"""

import importlib.util
import sys
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import torch
from torch import Tensor, nn

WIDTH, DEPTH, HEADS, GROUP_WIDTH = 64, 4, 4, 16
DOFA_WAVELENGTHS = [0.665, 0.56, 0.49, 0.705, 0.74, 0.783, 0.842, 1.61, 2.19]


def rule_weights(network: nn.Module) -> None:
    """Fill every parameter from a stream that its own name seeds; weights of norms around 1."""
    for name, parameter in network.named_parameters():
        values = np.random.RandomState(crc32(name.encode())).standard_normal(tuple(parameter.shape)) * 0.1
        if name.endswith("norm1.weight") or name.endswith("norm2.weight") or name == "norm.weight":
            values += 1.0
        parameter.data.copy_(torch.from_numpy(values))


def rule_image(bands: int, side: int) -> Tensor:
    """An image (1, bands, side, side) of standard normal values."""
    return torch.from_numpy(np.random.RandomState(bands).standard_normal((1, bands, side, side))).float()


def module_at(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@torch.no_grad()
def tokens(network: nn.Module, *inputs: Any) -> np.ndarray:
    """A part of the tokens after every layer: (layers, tokens / 7, WIDTH / 5)."""
    rule_weights(network)
    kept: list[Tensor] = []
    for block in network.blocks:
        block.register_forward_hook(lambda _module, _inputs, output: kept.append(output[0, ::7, ::5]))
    network.eval().forward_features(*inputs)
    return torch.stack(kept).numpy()


def main(torchgeo: Path, satmae: Path) -> None:
    size = {"embed_dim": WIDTH, "depth": DEPTH, "num_heads": HEADS}
    norm = partial(nn.LayerNorm, eps=1e-6)
    dofa = module_at(torchgeo / "dofa.py").DOFA(num_classes=0, **size)
    scale = module_at(torchgeo / "scale_mae.py").ScaleMAE(
        res=10.0, img_size=224, patch_size=16, qkv_bias=True, norm_layer=norm, **size
    )
    sys.path.insert(0, str(satmae))
    group = module_at(satmae / "models_vit_group_channels.py").GroupChannelsVisionTransformer(
        channel_embed=GROUP_WIDTH, img_size=96, patch_size=8, in_chans=10, qkv_bias=True, norm_layer=norm, **size
    )
    np.savez_compressed(
        Path(__file__).with_name("reference_tokens.npz"),
        dofa=tokens(dofa, rule_image(9, 224), DOFA_WAVELENGTHS),
        scale_mae=tokens(scale, rule_image(3, 224)),
        satmae=tokens(group, rule_image(10, 96)),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
