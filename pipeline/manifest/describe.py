"""From a manifest's contents to all that its documents say."""

import datetime
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow.parquet as pq

from pipeline.files import file_sizes
from pipeline.manifest.checksums import is_published
from pipeline.manifest.contents import Contents, StoreContents
from pipeline.manifest.described import ArrayDescribed, Described, FileDescribed, StoreDescribed
from pipeline.manifest.extent import extent_of
from pipeline.manifest.made_from import MadeFrom
from pipeline.parts import readable
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import N_SEASONS
from pipeline.schema.release import ReleaseSettings


def describe(
    run: RunLayout,
    folder: AnyPath,
    made: MadeFrom,
    contents: Contents,
    *,
    release: ReleaseSettings,
    date: datetime.date,
    provenance: Mapping[str, Any],
    funnel: Mapping[str, Any],
) -> Described:
    """All that documents say of the data set whose tables lie in `folder`, the manifest that is being written."""
    files = sorted(name for name in file_sizes(folder) if name.endswith(".parquet"))
    columns = {name: _columns(folder / name) for name in files}
    seasons = N_SEASONS if made.kind == "pretraining" else 1
    return Described(
        kind=made.kind,
        release=release,
        date=date,
        stores=tuple(_store(run, store) for store in contents.stores),
        locations=len(contents.index) // seasons,
        seasons=seasons,
        patch_px=max(array.shape[-1] for array in _images(contents.stores)),
        extent=extent_of(contents.index),
        index_columns=columns[run.index.name],
        tables={name: found for name, found in columns.items() if name != run.index.name},
        files=tuple(_file(folder, name) for name in files),
        provenance=provenance,
        statistics=contents.statistics,
        funnel=funnel,
    )


def _images(stores: Iterable[StoreContents]) -> Iterable[Any]:
    return (store.arrays["s2"] for store in stores)


def _store(run: RunLayout, store: StoreContents) -> StoreDescribed:
    sizes = {name: size for name, size in file_sizes(run.store(store.made.name)).items() if is_published(name)}
    return StoreDescribed(
        name=store.made.name,
        path=store.path,
        split=store.made.split,
        rows=store.rows,
        arrays=tuple(_array(name, array, store.content[name]) for name, array in store.arrays.items()),
        files=len(sizes),
        bytes=sum(sizes.values()),
    )


def _array(name: str, array: Any, digest: str) -> ArrayDescribed:
    return ArrayDescribed(
        name=name,
        dtype=array.dtype.name,
        shape=tuple(array.shape),
        chunk=tuple(array.chunks),
        shard_rows=int(array.shards[0]),
        dimensions=tuple(array.metadata.dimension_names or ()),
        attributes=array.attrs.asdict(),
        digest=digest,
    )


def _columns(path: AnyPath) -> dict[str, str]:
    schema = pq.read_schema(readable(path))
    return {field.name: str(field.type) for field in schema}


def _file(folder: AnyPath, name: str) -> FileDescribed:
    data = (folder / name).read_bytes()
    return FileDescribed(name, hashlib.sha256(data).hexdigest(), len(data))
