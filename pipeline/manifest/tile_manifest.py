"""Write the manifest of a downstream data set: index, statistics, provenance, card, checksums; all or none."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import zarr

from pipeline.commit import committed_folder
from pipeline.content import DIGEST_ATTRIBUTE, tree_digest
from pipeline.files import file_sizes, write_bytes, zarr_store
from pipeline.manifest.checksums import CHECKSUMS_FILE, checksum_lines, is_published, published
from pipeline.manifest.digest import combine_stores, index_digest
from pipeline.manifest.index import write_index
from pipeline.manifest.provenance import provenance_record
from pipeline.manifest.tile_card import tile_card
from pipeline.manifest.tile_index import DTYPES, TileStore, tile_index_rows
from pipeline.manifest.tile_sets import TileSet
from pipeline.manifest.tile_statistics import tile_statistics
from pipeline.manifest.write import CARD_FILE, PROVENANCE_FILE, STATISTICS_FILE, ManifestRecord
from pipeline.parts import write_part
from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath
from pipeline.schema.tiles import DroppedTile, TilePair
from pipeline.tile_arrays import open_tile_arrays, tile_store_digests

DROPPED: Final = "dropped"
"""Name of the table of tiles that are not in the set, without its ending."""


def write_tile_manifest(
    run: RunLayout,
    described: TileSet,
    stores: Sequence[TileStore],
    *,
    pairs: Sequence[TilePair],
    dropped: Sequence[DroppedTile],
    provenance: Mapping[str, Any],
    tables: Mapping[str, tuple[type[Any], Sequence[Any]]] | None = None,
) -> ManifestRecord:
    """Describe finished stores in run.manifest, which is replaced whole; on a failure nothing changes.

    `pairs` may hold more than was stored. `provenance` has 'recipe' (plain data, defaults filled in), 'recipe_digest',
    'inputs', the digest to be asked for with `manifest_inputs`, and, where the recipe has no 'source' of its own,
    'source' (see provenance_record). `tables` are further Parquet files of the manifest: name without its ending ->
    (record, rows). Raises NoldoError where a store cannot be read or is not the one that its rows and shards describe.
    """
    paths = {store.name: f"{run.store(store.name).parent.name}/{run.store(store.name).name}" for store in stores}
    digests = {store.name: _checked_digests(run.store(store.name), store) for store in stores}
    rows = [row for store in stores for row in tile_index_rows(paths[store.name], store, pairs, described.label_source)]
    recipe = {"source": provenance.get("source"), **provenance["recipe"]}
    with committed_folder(run.manifest, provenance["inputs"]) as folder:
        index = folder / run.index.name
        write_index(index, rows, DTYPES)
        digest = combine_stores(digests, index_digest(index), len(rows))
        record = provenance_record(recipe, provenance["recipe_digest"], digest.as_json())
        _write_json(folder / PROVENANCE_FILE, record)
        _write_json(folder / STATISTICS_FILE, tile_statistics(stores))
        for name, (kind, entries) in {DROPPED: (DroppedTile, dropped), **(tables or {})}.items():
            write_part(folder / f"{name}.parquet", kind, entries, provenance["inputs"])
        card = tile_card(described, [(paths[store.name], store) for store in stores], record)
        write_bytes(folder / CARD_FILE, card.encode())
        files = published(folder, run.manifest.name)
        sizes = file_sizes(folder)
        for store in stores:
            files |= published(run.store(store.name), paths[store.name])
            sizes |= {f"{store.name}/{name}": size for name, size in file_sizes(run.store(store.name)).items()}
        write_bytes(folder / CHECKSUMS_FILE, checksum_lines(files).encode())
    return ManifestRecord(
        dataset_digest=digest.dataset,
        store_digest=digest.store,
        locations=len(rows),
        files=len(files),
        published_bytes=sum(size for name, size in sizes.items() if is_published(name)),
    )


def _checked_digests(path: AnyPath, store: TileStore) -> dict[str, str]:
    """The digests of a store's arrays by its records, once they are those that the store carries."""
    arrays = open_tile_arrays(path)
    for name, array in arrays.items():
        if array.shape[0] != len(store.rows):
            raise NoldoError(
                f"{path}: '{name}' has {array.shape[0]} rows, expected {len(store.rows)}; run the build again"
            )
    found = tile_store_digests(
        store.shards,
        {name: array.dtype.name for name, array in arrays.items()},
        {name: tuple(array.shape[1:]) for name, array in arrays.items()},
    )
    carried = zarr.open_group(zarr_store(path), mode="r").attrs.get(DIGEST_ATTRIBUTE)
    if carried != tree_digest(found):
        raise NoldoError(
            f"{path} carries the content digest {carried}, but its shards were recorded as {tree_digest(found)}; "
            f"delete the store and run the build again"
        )
    return found


def _write_json(path: AnyPath, plain: Mapping[str, Any]) -> None:
    write_bytes(path, (json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())
