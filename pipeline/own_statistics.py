"""The scaling of a run's store: the recipe's, or added up from what the quality stage measured."""

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.pack import StoreSettings
from pipeline.parts import readable
from pipeline.scaling import BandTotals, StoreScaling, fixed_scaling, own_scaling
from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.errors import DamagedError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath

COLUMNS: Final = {"s2_sums": S2_BANDS, "s1_sums": S1_BANDS}
"""Columns of a quality part that hold a location's sums, a season and band."""


def store_scaling(run: RunLayout, settings: StoreSettings, parts: int) -> StoreScaling:
    """How to scale the store of a run of that many parts; NoldoError where its own statistics cannot be had.

    The store's own are over the observed pixels of all seasons of the kept locations. They are added up exactly
    (pipeline/scaling.py), so that the number of parts does not change a bit.
    """
    fixed = fixed_scaling(settings.statistics, settings.clip_std)
    if fixed is not None:
        return fixed
    totals = {column: BandTotals(bands) for column, bands in COLUMNS.items()}
    for part in range(parts):
        _add_part(run.table("quality", part), totals)
    return own_scaling(totals["s2_sums"], totals["s1_sums"], settings.clip_std)


def _add_part(path: AnyPath, totals: dict[str, BandTotals]) -> None:
    """Count in one part by its columns: as records, 60 sums a location are slow to read."""
    try:
        table = pq.ParquetFile(readable(path)).read(columns=["kept", *totals])
        kept = table.filter(table["kept"])
        for column, bands in totals.items():
            # location, season, band -> one long column of sums, the band running fastest.
            flat: Any = kept[column].combine_chunks().flatten().flatten()
            figures = [flat.field(name).to_numpy(zero_copy_only=False) for name in ("pixels", "total", "squares")]
            for band in range(len(bands.bands)):
                pixels, total, squares = (np.asarray(f[band :: len(bands.bands)]).tolist() for f in figures)
                bands.add(pixels, total, squares, band)
    except (OSError, KeyError, pa.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise DamagedError(f"{path} has no band sums ({reason}); delete it and run the build again", path) from error
