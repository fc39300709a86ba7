"""The same made-up locations in every format that `noldo bench loader` reads.

Images are noise over smooth ground, which lz4 does not shorten; labels are patches, of which a build's codec (lz4hc)
makes 0.06, and of those of a store built from the emulator 0.09. Where images are to be compressible, lz4 makes 0.91 of
the optical ones, as of those of a store built from the emulator (0.86 to 0.90), and takes three times as long to decode
them.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import zarr
from numpy.typing import NDArray

from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.landcover import N_DW_CLASSES
from pipeline.schema.records import N_SEASONS
from pipeline.store_arrays import create_arrays

Sample = dict[str, NDArray[np.uint8]]
"""s1, s2 and dw of one location: all seasons, (4, 2, P, P), (4, 13, P, P) and (4, P, P), or the images of one."""

STORE: Final = "nol.zarr"
TARS: Final = "webdataset"
SEASON_TARS: Final = "webdataset-seasons"
MDS: Final = "streaming"

SHARD_ROWS: Final = 64
"""Locations a shard, as a build packs them by default."""

NOISE: Final = 6.0
"""Standard deviation of an image's noise, grey levels."""

CALM_NOISE: Final = 0.4
"""The same of the calm bands of compressible images."""

CALM_BANDS: Final = frozenset({"B1", "B9", "B10"})
"""Those of 60 m, which are as good as smooth at 10 m: the only part of the emulator's images that lz4 shortens."""

_COARSE = 12
"""Side of the smooth ground's own pixels."""

_SAMPLES_A_TAR = 64

SEED: Final = 7


def seasons_of(count: int) -> NDArray[np.int64]:
    """The season that is read of each location, whatever their number."""
    return np.random.default_rng(SEED).integers(0, N_SEASONS, size=count)


def write_store(folder: Path, count: int, px: int, *, compressible: bool = False) -> Path:
    """Write folder/nol.zarr with `count` locations of px by px pixels, as a build does (lz4); returns its path."""
    path = folder / STORE
    group = zarr.create_group(path, zarr_format=3, attributes={"content_digest": f"made-up-{count}-{px}"})
    create_arrays(group, n_rows=count, patch_px=px, shard_rows=SHARD_ROWS, codec="lz4")
    arrays: dict[str, Any] = dict(group.arrays())
    for start in range(0, count, SHARD_ROWS):
        rows = range(start, min(start + SHARD_ROWS, count))
        drawn = [draw(row, px, compressible=compressible) for row in rows]
        for name in ("s1", "s2", "dw"):
            arrays[name][rows.start : rows.stop] = np.stack([location[name] for location in drawn])
    return path


def draw(row: int, px: int, *, compressible: bool = False) -> Sample:
    """All seasons of a location."""
    rng = np.random.default_rng([SEED, row])
    at = np.arange(px) * _COARSE // px
    labels = rng.integers(0, N_DW_CLASSES, size=(N_SEASONS, _COARSE, _COARSE), dtype=np.uint8)
    rough = rng.random((N_SEASONS, px, px), dtype=np.float32) < 0.012  # ragged edges, as of a classifier
    dw = np.where(rough, rng.integers(0, N_DW_CLASSES, size=rough.shape, dtype=np.uint8), labels[:, at][:, :, at])
    calm = CALM_BANDS if compressible else frozenset[str]()
    return {"s1": _images(rng, S1_BANDS, calm, px), "s2": _images(rng, S2_BANDS, calm, px), "dw": dw}


def locations(folder: Path) -> Iterator[Sample]:
    """All seasons of every location of the store, in the order of its rows."""
    arrays: dict[str, Any] = dict(zarr.open_group(folder / STORE, mode="r").arrays())
    for row in range(arrays["dw"].shape[0]):
        yield {name: np.asarray(arrays[name][row]) for name in ("s1", "s2", "dw")}


def seasons(folder: Path) -> Iterator[Sample]:
    """The one season that is read of every location: s1 (2, P, P), s2 (13, P, P), dw (4, P, P)."""
    for row, location in enumerate(locations(folder)):
        season = seasons_of(row + 1)[row]
        yield {"s1": location["s1"][season], "s2": location["s2"][season], "dw": location["dw"]}


def write_tars(folder: Path) -> None:
    """Locations for WebDataset: one .npy an array, all four seasons, in tar files."""
    _write_tars(folder / TARS, locations(folder))


def write_season_tars(folder: Path) -> None:
    """The same with a season a sample."""
    _write_tars(folder / SEASON_TARS, seasons(folder))


def _write_tars(folder: Path, samples: Iterator[Sample]) -> None:
    import webdataset

    folder.mkdir()
    with webdataset.ShardWriter(str(folder / "%06d.tar"), maxcount=_SAMPLES_A_TAR, verbose=0) as sink:
        for row, sample in enumerate(samples):
            sink.write({"__key__": f"{row:06d}", **{f"{name}.npy": values for name, values in sample.items()}})


def write_mds(folder: Path) -> None:
    """Samples of a season for MosaicML streaming: uncompressed MDS, its fastest."""
    from streaming import MDSWriter

    columns = dict.fromkeys(("s1", "s2", "dw"), "ndarray")
    with MDSWriter(out=str(folder / MDS), columns=columns, compression=None, hashes=[]) as sink:
        for sample in seasons(folder):
            sink.write(sample)


def _images(rng: np.random.Generator, bands: Sequence[str], calm: frozenset[str], px: int) -> NDArray[np.uint8]:
    at = np.arange(px) * _COARSE // px
    ground = rng.uniform(60, 190, size=(N_SEASONS, len(bands), _COARSE, _COARSE)).astype(np.float32)
    spread = np.array([CALM_NOISE if band in calm else NOISE for band in bands], np.float32)[:, None, None]
    noise = rng.standard_normal((N_SEASONS, len(bands), px, px), dtype=np.float32) * spread
    return np.clip(ground[:, :, at][:, :, :, at] + noise, 0, 255).astype(np.uint8)
