"""Which rows of a store show the same ground: the groups that a split must not tear apart."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath
from training.dataset import TrainingStore


def ground_groups(store: TrainingStore) -> NDArray[np.int64] | None:
    """Number the groups of rows whose patches overlap, by the index of the run directory: int64 (N,).

    Rows are of one group where a chain of overlapping patches joins them; patches that only touch count as
    overlapping. None where no index lies beside the store. Raises NoldoError for an index that cannot be read and
    UsageError for one that does not list the store's rows.
    """
    path = store.path.resolve() if isinstance(store.path, Path) else store.path
    index = RunLayout(path.parent.parent).index
    if not index.is_file():
        return None
    left, right = shapely.STRtree(outlines := _outlines(index, store)).query(outlines, predicate="intersects")
    n = store.locations
    joined = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(n, n))
    groups: NDArray[np.int64] = connected_components(joined, directed=False)[1].astype(np.int64)
    return groups


def _outlines(index: AnyPath, store: TrainingStore) -> NDArray[np.object_]:
    """The outline of each row's patch in degrees, shapely geometries (N,)."""
    try:
        with index.open("rb") as file:
            table = pq.read_table(file, columns=["store", "row", "geometry"])
        ours = np.array([Path(name).name == store.path.name for name in table["store"].to_pylist()], dtype=bool)
        rows = table["row"].to_numpy()[ours]
        wkb = table["geometry"].to_numpy()[ours]
        listed, first = np.unique(rows, return_index=True)
        outlines: NDArray[np.object_] = shapely.from_wkb(wkb[first])
    except (OSError, pa.ArrowException, KeyError, shapely.errors.ShapelyError) as error:
        raise NoldoError(
            f"{index} cannot be read ({str(error).splitlines()[0]}); write it again with noldo build"
        ) from error
    if listed.tolist() != list(range(store.locations)):
        raise UsageError(
            f"{index} lists {len(listed)} rows of {store.path.name}, the store has {store.locations}; "
            "bring them together with noldo build"
        )
    return outlines
