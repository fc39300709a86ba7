"""Write a run's manifest: index, tables, statistics, provenance, documents and checksums, all of them or none."""

import datetime
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.commit import committed_folder, folder_inputs
from pipeline.content import canonical_json
from pipeline.files import file_sizes, is_file, write_bytes
from pipeline.manifest.assets import ASSETS_FILE, asset_table
from pipeline.manifest.checksums import CHECKSUMS_FILE, checksum_lines, published
from pipeline.manifest.contents import Contents, read_contents, read_whole_table
from pipeline.manifest.describe import describe
from pipeline.manifest.digest import ContentDigest, combine_stores, index_digest
from pipeline.manifest.digest_table import DIGESTS_FILE, write_digests
from pipeline.manifest.documents import documents
from pipeline.manifest.funnel_file import FUNNEL_FILE
from pipeline.manifest.index import write_index
from pipeline.manifest.made_from import DROPPED, read_made_from
from pipeline.manifest.provenance import provenance_record
from pipeline.manifest.release import run_release
from pipeline.manifest.written import write_json, write_table
from pipeline.parts import read_columns
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath
from pipeline.schema.release import ReleaseSettings

STATISTICS_FILE: Final = "statistics.json"
PROVENANCE_FILE: Final = "provenance.json"
DROPPED_FILE: Final = "dropped.parquet"

FORM: Final = 2
"""Of the manifest: one of an earlier form is written anew by the next build."""


@dataclass(frozen=True)
class ManifestRecord:
    """What a manifest describes."""

    dataset_digest: str
    """Content digest of stores and index together."""
    store_digest: str
    """Content digest of the stores' pixels."""
    locations: int
    """Rows of all stores."""
    files: int
    """Published files, the list of checksums aside."""
    published_bytes: int


def write_manifest(
    run: RunLayout, today: datetime.date | None = None, on_file: Callable[[int, int], None] = lambda *_: None
) -> ManifestRecord:
    """Describe a finished run's stores in run.manifest, which is replaced whole.

    On a failure nothing changes on a disk; in object storage, which has no rename, there is no manifest then.
    All of it comes from the run's tables and the stores' metadata; pixels are read for the files' checksums only.
    What the release is called stands in the run's recipe; `today` (UTC) is its day where that names none. `on_file`
    hears how many of the published files have their checksum. Raises NoldoError where a table is missing, or a store
    cannot be read or is not the one that the tables tell of.
    """
    made, release = read_made_from(run), run_release(run)
    date = release.date or today or datetime.datetime.now(datetime.UTC).date()
    contents = read_contents(run, made)
    dropped = read_columns(run.table(DROPPED, 0))
    more = {f"{stage}.parquet": read_whole_table(run, stage) for stage in made.copied}
    with committed_folder(run.manifest, manifest_inputs(made.inputs, release)) as folder:
        _write_index(folder / run.index.name, contents.index)
        write_digests(folder / DIGESTS_FILE, [one for store in contents.stores for one in store.digests])
        write_table(folder / ASSETS_FILE, asset_table(contents.index))
        for name, table in {DROPPED_FILE: dropped, **more}.items():
            write_table(folder / name, table)
        digest = _digest(contents, folder / run.index.name)
        provenance = provenance_record(
            json.loads(made.recipe),
            made.recipe_digest,
            digest.as_json(),
            _dated(release, date),
            json.loads(made.made_with) if made.made_with else None,
        )
        funnel = json.loads(made.funnel)
        write_json(folder / PROVENANCE_FILE, provenance)
        write_json(folder / STATISTICS_FILE, contents.statistics)
        write_json(folder / FUNNEL_FILE, funnel)
        described = describe(
            run, folder, made, contents, release=release, date=date, provenance=provenance, funnel=funnel
        )
        for name, data in documents(described).items():
            write_bytes(folder / name, data)
        files = published(folder, run.manifest.name)
        sizes = {f"{run.manifest.name}/{name}": size for name, size in file_sizes(folder).items()}
        for store in contents.stores:
            files |= published(run.store(store.made.name), store.path)
            sizes |= {f"{store.path}/{n}": size for n, size in file_sizes(run.store(store.made.name)).items()}
        write_bytes(folder / CHECKSUMS_FILE, checksum_lines(files, on_file).encode())
    return ManifestRecord(
        dataset_digest=digest.dataset,
        store_digest=digest.store,
        locations=contents.rows,
        files=len(files),
        published_bytes=sum(sizes[name] for name in files),
    )


def written_record(run: RunLayout) -> ManifestRecord | None:
    """What the manifest that is there describes; None where it cannot be read."""
    try:
        digest = json.loads((run.manifest / PROVENANCE_FILE).read_text())["content_digest"]
        listed = [line.partition("  ")[2] for line in (run.manifest / CHECKSUMS_FILE).read_text().splitlines()]
        stores = {name.split("/")[1] for name in listed if name.startswith(f"{run.store('').parent.name}/")}
        folders = [run.manifest, *(run.store("").parent / name for name in stores)]
        sizes = {str(folder / name): size for folder in folders for name, size in file_sizes(folder).items()}
        total = sum(sizes[str(run.root / name)] for name in listed)
        return ManifestRecord(digest["dataset"], digest["store"], digest["rows"], len(listed), total)
    except (OSError, ValueError, LookupError):
        return None


def manifest_inputs(inputs: str, release: ReleaseSettings) -> str:
    """The digest that a manifest is committed with: its form, what the data set was made from, and the release."""
    said = ["manifest", FORM, inputs, release.model_dump(mode="json")]
    return hashlib.sha256(canonical_json(said)).hexdigest()


def is_written(run: RunLayout, inputs: str) -> bool:
    """Whether the run has the manifest of a data set made from `inputs`, for what its recipe calls the release."""
    return folder_inputs(run.manifest) == manifest_inputs(inputs, run_release(run)) and is_file(run.index)


def _write_index(path: AnyPath, index: pa.Table) -> None:
    """The index, and one of each split where there are several."""
    write_index(path, index)
    splits = pc.unique(index["split"]).to_pylist()
    for split in splits if len(splits) > 1 else ():
        own = index.filter(pc.equal(index["split"], split))
        write_index(path.with_name(f"{path.stem}-{split}{path.suffix}"), own)


def _digest(contents: Contents, index: AnyPath) -> ContentDigest:
    arrays = {store.made.name: dict(store.content) for store in contents.stores}
    return combine_stores(arrays, index_digest(index), contents.rows)


def _dated(release: ReleaseSettings, date: datetime.date) -> dict[str, Any]:
    return release.model_dump(mode="json") | {"date": date.isoformat()}
