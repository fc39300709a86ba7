"""The blocks of an encoder from its stem to its deepest, for learning rates that fall from block to block."""

import re
from typing import Final

from torch import nn

_BLOCK: Final = re.compile(
    r"(?:^|\.)(?:(?:layers?|_?blocks?|stages?|features)[._]?|denseblock|patch_embed|norm)(\d+)\."
)
"""layer1.0.conv1 of ResNets, blocks.0.attn of ViTs, stages_0.blocks.0 of timm's networks of stages, block1.0 and
patch_embed1 of MiTs, _blocks.0 of EfficientNets, features.0 of VGGs, features.denseblock1 of DenseNets."""


def encoder_blocks(encoder: nn.Module) -> tuple[tuple[str, ...], ...]:
    """Return the names of the encoder's parameters, block by block, the stem first; each name stands once.

    A block is a stage of a ResNet (layer1..layer4) or of another network of stages, or a layer of a ViT (blocks.0,
    ...). What stands before the first block in the module is the stem's; what stands after the last, its last's.
    """
    blocks: dict[str, list[str]] = {"stem": []}
    current = "stem"
    for name, _ in encoder.named_parameters():
        # DOFA's embedding holds a small transformer with layers of its own.
        found = None if name.startswith("patch_embed.") else _BLOCK.search(name)
        if found:
            current = found[1]
        blocks.setdefault(current, []).append(name)
    return tuple(tuple(names) for names in blocks.values() if names)
