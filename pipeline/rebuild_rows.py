"""Rows of a published data set fetched from Earth Engine again: the same scenes on the same grids, by its own manifest.

Whether they are what was published is for their digests to say: Earth Engine may have processed a scene anew.
"""

import functools
import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import zarr
from numpy.typing import NDArray

from pipeline.content import row_digest
from pipeline.export import ExportSettings, fetch_patch
from pipeline.fetch_tiles import FetchSettings, plan_tile, to_images
from pipeline.files import storage_reason, zarr_store
from pipeline.manifest.digest_table import DIGESTS_FILE, DigestTable, read_digests
from pipeline.manifest.index_records import Row, location_of, match_of, rows_of, tile_of
from pipeline.manifest.repair.row_source import Rows
from pipeline.manifest.write import PROVENANCE_FILE
from pipeline.pack import packed_row
from pipeline.parts import readable
from pipeline.recipe import EarthEngineSettings, EmulatorSettings, SourceSettings
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import N_SEASONS
from pipeline.schema.strict import validated
from pipeline.sources.earthengine import EarthEngineSource, EarthEngineSpec
from pipeline.sources.protocol import Source
from pipeline.store_arrays import PROBABILITIES, stored_scaling
from pipeline.tile_arrays import FILLS, IMAGES, is_unreadable

STAGE: Final = "repair"

KEPT: Final = 64
"""Rows whose arrays are kept in case that another array of them is damaged too: about 300 MB, of tiles 600 MB."""

COLUMNS: Final = (
    "location_id", "season", "store", "row", "s2_id", "s1_id", "dw_id", "processing_baseline", "s2_tile", "epsg",
    "geotransform",
)  # fmt: skip
"""Of the index, what a request is made of."""

OF_TILES: Final = (*IMAGES, "epsg", "geotransform")
"""Arrays of a downstream store that do not come from files of labels."""

Arrays = Mapping[str, NDArray[np.generic]]


def published_source(root: AnyPath, project: str | None, url: str | None) -> SourceSettings:
    """Earth Engine as a data set's manifest names it: the real one, paid for by `project`, or the emulator.

    Raises UsageError where it was made from files, or a project is missing; NoldoError where there is no provenance.
    """
    source = dict(_provenance(root).get("source") or {})
    kind = source.get("kind")
    if kind == "earthengine":
        if not project:
            raise UsageError(f"{root} was made with the real Earth Engine; name the project that pays with --project")
        settings = {"project": project} | ({"url": url} if url else {})
        return validated(EarthEngineSettings, settings, where="--from earth-engine")
    if kind != "emulator":
        raise UsageError(f"{root} was made from files, not with Earth Engine ({kind}); repair it from a copy")
    if project:
        raise UsageError(f"{root} was made with the emulator, which nobody pays; leave --project out")
    decides = {key: source[key] for key in ("seed", "targets", "flaws", "canned") if key in source}
    return validated(EmulatorSettings, {**decides, "url": url}, where=f"{root}/manifest/provenance.json")


class EarthEngineRows:
    """Rows of any array that Earth Engine has the pixels of: a RowSource (pipeline/manifest/repair/row_source.py).

    A location or tile is asked for once, also where several of its arrays are damaged.
    """

    def __init__(self, root: AnyPath, spec: EarthEngineSpec) -> None:
        self._root = root
        self._spec = spec
        self._kept: OrderedDict[tuple[str, int], Arrays] = OrderedDict()

    def rows(self, store: str, array: str, rows: Sequence[int]) -> Rows:
        """As in RowSource; raises NoldoError where the manifest cannot be used or no service answers."""
        if self._made.tiles and array not in OF_TILES:
            return Rows(missing=dict.fromkeys(rows, f"{array} does not come from Earth Engine; take it from a copy"))
        absent = [row for row in rows if (store, row) not in self._kept]
        missing: dict[int, str] = {}
        with ThreadPoolExecutor(self._made.concurrency, thread_name_prefix=STAGE) as pool:
            for row, found in zip(absent, pool.map(lambda row: self._fetched(store, row), absent), strict=True):
                if isinstance(found, NoldoError):
                    missing[row] = str(found)
                else:
                    self._kept[store, row] = found
        values = {row: self._kept[store, row][array] for row in rows if array in self._kept.get((store, row), {})}
        missing |= {row: f"it has no {array}" for row in rows if row not in values and row not in missing}
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return Rows(values, missing)

    def _fetched(self, store: str, row: int) -> Arrays | NoldoError:
        """All arrays of one row, or why they could not be had."""
        try:
            found = rows_of(self._made.index, store, row)
            return self._tile(store, found[0]) if self._made.tiles else self._patch(store, found)
        except NoldoError as error:
            return error

    def _patch(self, store: str, rows: Sequence[Row]) -> Arrays:
        """A location of a pretraining set, scaled as the store is."""
        arrays = self._arrays(store)
        matches = [match_of(row) for row in rows]
        location = location_of(rows, arrays["dw"].shape[-1])
        lacking = [match for match in matches if match.lacks]
        if len(matches) != N_SEASONS or lacking:
            raise NoldoError(
                f"the index does not name all four seasons' scenes of {location.location_id}; repair from a copy"
            )
        settings = self._made.export.model_copy(update={"dw_probabilities": PROBABILITIES in arrays})
        return packed_row(fetch_patch(location, matches, settings, self._source), stored_scaling(arrays))

    def _tile(self, store: str, row: Row) -> Arrays:
        """A tile of a downstream set, raw, but for its labels."""
        tile, pair = tile_of(row, self._arrays(store)["s2"].shape[-1])
        if pair.s2_id is None or pair.s1_id is None:
            raise NoldoError(f"the index does not name both scenes of {tile.tile_id}; repair from a copy")
        s2, s1 = to_images(tile, self._source.fetch_pixels(plan_tile(tile, pair, self._made.fetch)))
        images: Arrays = {"s2": s2, "s1": s1}
        for candidate in (images, _ringed(images)):
            if any(self._is_published(store, array, tile.row, values) for array, values in candidate.items()):
                images = candidate
        return {**images, "epsg": np.array(tile.grid.epsg, np.int32), "geotransform": np.array(tile.grid.affine)}

    def _is_published(self, store: str, array: str, row: int, values: NDArray[np.generic]) -> bool:
        known = self._made.digests.of(store, array)
        return known is not None and row < len(known.digest) and row_digest(values) == known.row(row)

    @functools.cached_property
    def _made(self) -> "_Made":
        return _Made.of(self._root)

    @functools.cached_property
    def _source(self) -> Source:
        return EarthEngineSource(self._spec, stage=STAGE)

    def _arrays(self, store: str) -> dict[str, Any]:
        try:
            return dict(zarr.open_group(zarr_store(self._root / store), mode="r").arrays())
        except Exception as error:
            if not is_unreadable(error):
                raise
            raise NoldoError(f"{self._root / store} cannot be opened ({error}); take it from a copy first") from error


def _ringed(images: Arrays) -> Arrays:
    """Images whose outermost pixels hold no data, as of a tile of 510 px in a store of 512: the index does not tell."""
    ringed = {name: np.full_like(values, FILLS[name]) for name, values in images.items()}
    for name, values in images.items():
        ringed[name][..., 1:-1, 1:-1] = values[..., 1:-1, 1:-1]
    return ringed


@dataclass(frozen=True, eq=False)
class _Made:
    """How a data set was made, by its manifest."""

    index: pd.DataFrame
    digests: DigestTable
    tiles: bool
    """A downstream set, whose stores are raw and whose labels come from elsewhere."""
    export: ExportSettings
    fetch: FetchSettings
    """The default where the manifest does not say, as of OpenStreetMap labels on the tiles of another set."""

    @property
    def concurrency(self) -> int:
        return self.fetch.concurrency if self.tiles else self.export.concurrency

    @classmethod
    def of(cls, root: AnyPath) -> "_Made":
        recipe, where = _provenance(root).get("recipe") or {}, f"{root}/manifest/{PROVENANCE_FILE}"
        path = RunLayout(root).index
        try:
            index = pq.ParquetFile(readable(path)).read(columns=list(COLUMNS)).to_pandas()
        except (OSError, pa.ArrowException) as error:
            raise NoldoError(f"{path} cannot be read ({storage_reason(error)}); take it from a copy first") from error
        return cls(
            index=index,
            digests=read_digests(RunLayout(root).manifest / DIGESTS_FILE),
            tiles=recipe.get("kind") in ("dw", "osm"),
            export=validated(ExportSettings, recipe.get("export", {}), where),
            fetch=validated(FetchSettings, recipe.get("fetch", {}), where),
        )


def _provenance(root: AnyPath) -> Mapping[str, Any]:
    path = RunLayout(root).manifest / PROVENANCE_FILE
    try:
        plain = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise NoldoError(f"{path} cannot be read ({storage_reason(error)}); take it from a copy first") from error
    if not isinstance(plain, dict):
        raise NoldoError(f"{path} is no JSON object; take it from a copy first")
    return plain
