"""What an expert draws on a tile: nearly the truth, with areas left unmarked, clouds, and a few mistakes."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.emulator.noise import Float, fractal_noise, key, unit
from pipeline.emulator.truth import Classes
from pipeline.schema.grid import PixelGrid
from pipeline.schema.tiles import EXPERT_CLOUD as CLOUD
from pipeline.schema.tiles import EXPERT_UNMARKED as UNMARKED

EXPERTS: Final = 3
"""Who label a hold-out tile; it keeps what at least two of them say (Brown et al. 2022, doi
10.1038/s41597-022-01307-4)."""

ERROR_SHARE: Final = 0.03
"""Of a tile, taken for another class by one expert."""
UNMARKED_SHARE: Final = (0.05, 0.40)
MODEL_ERROR_SHARE: Final = 0.28
"""Of the model's band beside the experts': about as often as Dynamic World differs from the consensus."""

MISTAKEN_FOR: Final = np.array([3, 5, 5, 2, 2, 2, 7, 5, 7], dtype=np.uint8)
"""Per class 0..8, the one that an expert takes it for."""

_CELLS_M: Final = (1_400.0, 450.0, 160.0)
_WEIGHTS: Final = (1.0, 0.7, 0.5)


def drawn(key_: int, cover: Classes, clouded: NDArray[np.bool_], grid: PixelGrid) -> Classes:
    """One expert's tile, (height, width): 0 unmarked, 1..9 classes, 10 cloud."""
    low, high = UNMARKED_SHARE
    unmarked = _blobs(key(key_, "unmarked"), grid, low + (high - low) * unit(key(key_, "effort")))
    marked = _with_errors(key(key_, "errors"), cover, grid, ERROR_SHARE) + np.uint8(1)
    return np.where(unmarked, UNMARKED, np.where(clouded, CLOUD, marked)).astype(np.uint8)


def agreed(key_: int, cover: Classes, clouded: NDArray[np.bool_], grid: PixelGrid) -> Classes:
    """A hold-out tile: what at least two of three experts say, unmarked where they do not agree or it is cloud."""
    one, two, three = (drawn(key(key_, "expert", number), cover, clouded, grid) for number in range(EXPERTS))
    said = np.where((one == two) | (one == three), one, np.where(two == three, two, UNMARKED)).astype(np.uint8)
    return np.where(said == CLOUD, UNMARKED, said).astype(np.uint8)


def modelled(key_: int, cover: Classes, grid: PixelGrid) -> Classes:
    """The model's band of a hold-out tile, classes 0..8, every pixel."""
    return _with_errors(key(key_, "model"), cover, grid, MODEL_ERROR_SHARE)


def _with_errors(key_: int, cover: Classes, grid: PixelGrid, share: float) -> Classes:
    return np.where(_blobs(key_, grid, share), MISTAKEN_FOR[cover], cover)


def _blobs(key_: int, grid: PixelGrid, share: float) -> NDArray[np.bool_]:
    """Patches of ground that together take that share of a tile."""
    field: Float = fractal_noise(key_, *np.meshgrid(*grid.centres_m()), _CELLS_M, _WEIGHTS)
    return np.asarray(field > np.quantile(field, 1.0 - share), dtype=np.bool_)
