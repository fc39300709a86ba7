"""Images of any side through networks that take multiples of their stride only."""

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import pad


def padded_logits(network: Callable[[Tensor], Tensor], image_BCHW: Tensor, stride_px: int) -> Tensor:
    """Return the logits (B, classes, H, W) of an image (B, C, H, W) that is mirrored beyond its border as needed.

    `network` takes images whose sides are multiples of `stride_px`. An odd number of missing pixels goes with its
    larger half to the bottom and the right.
    """
    height, width = image_BCHW.shape[-2:]
    (top, bottom), (left, right) = margins(height, stride_px), margins(width, stride_px)
    if not (top or bottom or left or right):
        return network(image_BCHW)
    # What is mirrored can be no longer than what there is; a very small image repeats its border instead.
    mode = "reflect" if max(bottom, right) < min(height, width) else "replicate"
    logits_BCHW = network(pad(image_BCHW, (left, right, top, bottom), mode=mode))
    return logits_BCHW[..., top : top + height, left : left + width]


def margins(px: int, stride_px: int) -> tuple[int, int]:
    """Pixels to add before and after a side to make it a multiple of the stride."""
    missing = -px % stride_px
    return missing // 2, missing - missing // 2
