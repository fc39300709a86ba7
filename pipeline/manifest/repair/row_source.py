"""Where the rows of a damaged shard come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import zarr
from numpy.typing import NDArray

from pipeline.files import storage_reason, zarr_store
from pipeline.schema.paths import AnyPath
from pipeline.tile_arrays import is_unreadable


@dataclass(frozen=True)
class Rows:
    """Rows of one array as they came; whether they are right is for their digests to say."""

    values: Mapping[int, NDArray[np.generic]] = field(default_factory=dict)
    missing: Mapping[int, str] = field(default_factory=dict)
    """Why the others did not come, each in one line."""


class RowSource(Protocol):
    """Something that has the rows of a data set's arrays, or can make them."""

    def rows(self, store: str, array: str, rows: Sequence[int]) -> Rows:
        """Rows of an array, for example of s2 in store/nol.zarr; each is in one of the two parts of the answer."""
        ...


@dataclass(frozen=True)
class CopiedRows:
    """The stores of a copy, whatever their codec, chunks and shards."""

    root: AnyPath

    def rows(self, store: str, array: str, rows: Sequence[int]) -> Rows:
        """As in RowSource."""
        values: dict[int, NDArray[np.generic]] = {}
        missing: dict[int, str] = {}
        try:
            stored = self.array(f"{store}/{array}")
        except KeyError as error:
            return Rows(missing=dict.fromkeys(rows, str(error.args[0])))
        for row in rows:
            try:
                values[row] = np.asarray(stored[row])
            except Exception as error:
                if not is_unreadable(error):
                    raise
                missing[row] = f"the source's cannot be read ({storage_reason(error)})"
        return Rows(values, missing)

    def array(self, path: str) -> Any:
        """The array at a path relative to the root, opened; KeyError where there is none."""
        try:
            return zarr.open_array(zarr_store(self.root / path), mode="r")
        except Exception as error:
            if not is_unreadable(error):
                raise
            raise KeyError(f"the source has no such array ({storage_reason(error)})") from error
