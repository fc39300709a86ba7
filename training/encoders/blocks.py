"""The blocks of an encoder from its stem to its deepest, for learning rates that fall from block to block."""

import re

from torch import nn

_BLOCK = re.compile(r"(?:^|\.)(layer|layers|blocks|stages)[._]?(\d+)\.")


def encoder_blocks(encoder: nn.Module) -> tuple[tuple[str, ...], ...]:
    """Return the names of the encoder's parameters, block by block, the stem first; each name stands once.

    A block is a stage of a ResNet (layer1..layer4) or of another network of stages, or a layer of a ViT (blocks.0,
    ...). What stands before the first block in the module is the stem's; what stands after the last, its last's.
    """
    blocks: dict[tuple[str, int] | None, list[str]] = {None: []}
    current: tuple[str, int] | None = None
    for name, _ in encoder.named_parameters():
        found = _BLOCK.search(name)
        if found:
            current = (found[1], int(found[2]))
        blocks.setdefault(current, []).append(name)
    return tuple(tuple(names) for names in blocks.values() if names)
