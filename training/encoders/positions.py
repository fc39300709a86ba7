"""Where a token stands in the image: sines and cosines of its place, and embeddings resized to another grid.

Source: github.com/facebookresearch/mae, util/pos_embed.py, which DOFA, SatMAE and Scale-MAE all take over.
"""

import torch
from torch import Tensor
from torch.nn.functional import interpolate


def sines_and_cosines(width: int, position_N: Tensor) -> Tensor:
    """Return (N, width) of sines, then cosines, of a position at `width` / 2 frequencies, 1 down to nearly 1/10,000."""
    frequency = 1.0 / 10000.0 ** (torch.arange(width // 2, dtype=torch.float32, device=position_N.device) / (width / 2))
    angle = torch.outer(position_N, frequency)
    return torch.cat([angle.sin(), angle.cos()], dim=1)


def grid_positions(width: int, rows: int, columns: int, step: float, device: torch.device) -> Tensor:
    """Return (rows * columns, width): a half for the column, a half for the row, both times `step`; rows in turn."""
    row, column = torch.meshgrid(
        torch.arange(rows, dtype=torch.float32, device=device) * step,
        torch.arange(columns, dtype=torch.float32, device=device) * step,
        indexing="ij",
    )
    halves = [sines_and_cosines(width // 2, place.flatten()) for place in (column, row)]
    return torch.cat(halves, dim=1)


def resized(position_1ND: Tensor, rows: int, columns: int) -> Tensor:
    """Resize the embeddings (1, 1 + n * n, D) of a square grid to (1, 1 + rows * columns, D), the first kept as it is.

    Bicubic, as MAE's interpolate_pos_embed; nothing is changed where the grid is the same.
    """
    side = round((position_1ND.shape[1] - 1) ** 0.5)
    if (rows, columns) == (side, side):
        return position_1ND
    grid_1DHW = position_1ND[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    resized_1DHW = interpolate(grid_1DHW, size=(rows, columns), mode="bicubic", align_corners=False)
    return torch.cat([position_1ND[:, :1], resized_1DHW.flatten(2).transpose(1, 2)], dim=1)
