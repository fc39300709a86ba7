"""Write a run's manifest: index, statistics, provenance, data card and checksums, all of them or none."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import zarr

from pipeline.commit import committed_folder, folder_inputs
from pipeline.content import DIGEST_ATTRIBUTE, store_digests
from pipeline.files import file_sizes, write_bytes, zarr_store
from pipeline.manifest.card import data_card
from pipeline.manifest.checksums import CHECKSUMS_FILE, checksum_lines, is_published, published
from pipeline.manifest.digest import combine, index_digest
from pipeline.manifest.index import LABEL_SOURCE, empty_columns, index_rows, write_index
from pipeline.manifest.provenance import provenance_record
from pipeline.manifest.statistics import statistics_record
from pipeline.scaling import StoreScaling
from pipeline.schema.errors import NoldoError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import LabelShare, Location, SeasonMatch, ShardRecord, StoreRow
from pipeline.store_arrays import stored_scaling

STATISTICS_FILE: Final = "statistics.json"
PROVENANCE_FILE: Final = "provenance.json"
CARD_FILE: Final = "README.md"


@dataclass(frozen=True)
class ManifestRecord:
    """What a manifest describes."""

    dataset_digest: str
    """Content digest of store and index together."""
    store_digest: str
    """Content digest of the store's pixels."""
    locations: int
    files: int
    """Published files, the list of checksums aside."""
    published_bytes: int


def write_manifest(
    run: RunLayout,
    store_name: str,
    rows: Sequence[StoreRow],
    *,
    locations: Sequence[Location],
    matches: Sequence[SeasonMatch],
    quality: Sequence[LabelShare],
    shards: Sequence[ShardRecord],
    provenance: Mapping[str, Any],
    label_source: str | None = LABEL_SOURCE,
) -> ManifestRecord:
    """Describe a finished store in run.manifest, which is replaced whole; on a failure nothing changes.

    `rows` are the store's rows, `shards` the records of all its shards; `locations`, `matches` and `quality` may
    hold more than was stored. `provenance` has 'recipe' (plain data, defaults filled in), 'recipe_digest' and
    'inputs', the digest to be asked for with `manifest_inputs`. `label_source` is None where no pixel has a label.
    Raises NoldoError where the store cannot be read or is not the one that rows and shards describe.
    """
    store = run.store(store_name)
    relative = f"{store.parent.name}/{store.name}"
    shapes = _row_shapes(store, len(rows))
    arrays = store_digests(shards, shapes)
    with committed_folder(run.manifest, provenance["inputs"]) as folder:
        index = folder / run.index.name
        listed = index_rows(relative, rows, locations, matches, quality, label_source)
        write_index(index, listed, empty_columns(listed))
        digest = combine(arrays, index_digest(index), len(rows))
        _require_same(store, digest.store)
        record = provenance_record(provenance["recipe"], provenance["recipe_digest"], digest.as_json())
        _write_json(folder / PROVENANCE_FILE, record)
        _write_json(folder / STATISTICS_FILE, statistics_record(shards, _scaling(store)))
        card = data_card(name=store_name, store=relative, rows=len(rows), patch_px=shapes["dw"][-1], provenance=record)
        write_bytes(folder / CARD_FILE, card.encode())
        files = published(folder, run.manifest.name) | published(store, relative)
        sizes = [*file_sizes(folder).items(), *file_sizes(store).items()]
        write_bytes(folder / CHECKSUMS_FILE, checksum_lines(files).encode())
    return ManifestRecord(
        dataset_digest=digest.dataset,
        store_digest=digest.store,
        locations=len(rows),
        files=len(files),
        published_bytes=sum(size for name, size in sizes if is_published(name)),
    )


def manifest_inputs(run: RunLayout) -> str | None:
    """The inputs digest that the run's manifest was written for, or None where there is none."""
    return folder_inputs(run.manifest)


def _row_shapes(store: AnyPath, n_rows: int) -> dict[str, tuple[int, ...]]:
    try:
        arrays: dict[str, Any] = dict(zarr.open_group(zarr_store(store), mode="r").arrays())
    except (OSError, KeyError, ValueError) as error:
        raise NoldoError(f"{store} cannot be read ({error}); run the build again") from error
    for name, array in arrays.items():
        if array.shape[0] != n_rows:
            raise NoldoError(f"{store}: '{name}' has {array.shape[0]} rows, expected {n_rows}; run the build again")
    return {name: tuple(array.shape[1:]) for name, array in sorted(arrays.items())}


def _scaling(store: AnyPath) -> StoreScaling:
    try:
        return stored_scaling(dict(zarr.open_group(zarr_store(store), mode="r").arrays()))
    except (KeyError, ValueError) as error:
        raise NoldoError(f"{store}: {error}; run the build again") from error


def _require_same(store: AnyPath, digest: str) -> None:
    carried = zarr.open_group(zarr_store(store), mode="r").attrs.get(DIGEST_ATTRIBUTE)
    if carried != digest:
        raise NoldoError(
            f"{store} carries the content digest {carried}, but its shards were recorded as {digest}; "
            f"delete the store and run the build again"
        )


def _write_json(path: AnyPath, plain: Mapping[str, Any]) -> None:
    write_bytes(path, (json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())
