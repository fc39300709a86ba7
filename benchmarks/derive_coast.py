"""Make pipeline/emulator/coast.npz from the land mask of global-land-mask: python -m benchmarks.derive_coast."""

import zipfile
import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.emulator.coast import BAND_ROWS, COARSE_CELLS, MASK_COLUMNS, MASK_ROWS

MASK_FILE: Final = "globe_combined_mask_compressed.npz"
ROWS_A_READ: Final = 240
TARGET: Final = Path(__file__).parents[1] / "pipeline" / "emulator" / "coast.npz"


def package_mask() -> NDArray[np.uint8]:
    """The mask as bits, (MASK_ROWS, MASK_COLUMNS / 8), 1 where there is land; RuntimeError where it is another one.

    Read beside the package, whose import alone takes 933 MB.
    """
    spec = find_spec("global_land_mask")
    if spec is None or spec.origin is None:
        raise RuntimeError("global-land-mask is not installed; it is in the extra 'dev'")
    packed = np.empty((MASK_ROWS, MASK_COLUMNS // 8), dtype=np.uint8)
    with zipfile.ZipFile(Path(spec.origin).parent / MASK_FILE) as archive, archive.open("mask.npy") as stream:
        version = np.lib.format.read_magic(stream)
        shape = np.lib.format.read_array_header_1_0(stream)[0] if version == (1, 0) else ()
        if shape != (MASK_ROWS, MASK_COLUMNS):
            raise RuntimeError("the land mask has another layout than global-land-mask 1.0; install that version")
        for row in range(0, MASK_ROWS, ROWS_A_READ):
            block = np.frombuffer(stream.read(ROWS_A_READ * MASK_COLUMNS), dtype=np.uint8)
            packed[row : row + ROWS_A_READ] = np.packbits(1 - block.reshape(ROWS_A_READ, MASK_COLUMNS), axis=1)
    return packed


def squeezed(packed: NDArray[np.uint8]) -> dict[str, NDArray[np.generic]]:
    """What coast.npz holds: bands of rows, each deflated; where each ends; half-degree cells with any land, as bits."""
    bands = [zlib.compress(packed[r : r + BAND_ROWS].tobytes(), 9) for r in range(0, MASK_ROWS, BAND_ROWS)]
    any_row = np.bitwise_or.reduce(packed.reshape(MASK_ROWS // COARSE_CELLS, COARSE_CELLS, -1), axis=1)
    coarse = np.unpackbits(any_row, axis=1).reshape(len(any_row), -1, COARSE_CELLS).max(axis=2)
    return {
        "bands": np.frombuffer(b"".join(bands), np.uint8),
        "ends": np.cumsum([len(band) for band in bands]),
        "coarse": np.packbits(coarse, axis=1),
    }


if __name__ == "__main__":
    np.savez(TARGET, **squeezed(package_mask()))  # type: ignore[arg-type]
