"""A published data set as its checks see it: what could be read of its manifest, and its stores, opened."""

import functools
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import zarr

from pipeline.files import can_list, is_storage_error, listed, storage_reason, zarr_store
from pipeline.manifest.digest_table import DIGESTS_FILE, DigestTable, read_digests
from pipeline.manifest.listing import LISTING, parse_listing
from pipeline.manifest.verify.bounds import beyond_bounds
from pipeline.manifest.verify.finding import Check, Finding
from pipeline.parts import readable
from pipeline.schema.errors import NoldoError
from pipeline.schema.paths import AnyPath
from pipeline.tile_arrays import UNREADABLE

INDEX: Final = "manifest/index.parquet"
DIGESTS: Final = f"manifest/{DIGESTS_FILE}"
PROVENANCE: Final = "manifest/provenance.json"

_READ: Final[dict[str, Check]] = {LISTING: "files", INDEX: "index", DIGESTS: "content", PROVENANCE: "content"}
"""Files that checks rest on, and the check that fails where one cannot be read."""

NOT_THERE: Final = "it is not there"

Read = TypeVar("Read")


@dataclass(frozen=True, eq=False)
class PublishedTree:
    """A data set's folder, `manifest/` and `store/`, on a disk or behind a URL.

    What could not be read is empty here, and `unread` says why.
    """

    root: AnyPath
    checksums: Mapping[str, str]
    """SHA-256 in hexadecimal by path relative to the root, as published."""
    stores: Mapping[str, zarr.Group]
    """Opened for reading, by path, for example store/nol.zarr."""
    arrays: Mapping[str, Mapping[str, Any]]
    """The arrays of every store by name, opened; what a user added in the group `labels` is none of them."""
    index: pd.DataFrame
    """Of index.parquet; geometry as WKB bytes, bbox as dictionaries, times in UTC."""
    digests: DigestTable
    provenance: Mapping[str, Any]
    listing: bytes = b""
    """The list of checksums as it was read: asked once more, a server may give another one."""
    unread: Mapping[str, str] = field(default_factory=dict)
    """Of the files above: path -> why it could not be read."""

    def location(self, store: str, row: int) -> str:
        """The location or tile in a row of a store, for messages: ', location 0000052'; empty where none is known."""
        named = self._locations.get((store, row))
        return "" if named is None else f", location {named}"

    @functools.cached_property
    def _locations(self) -> dict[tuple[str, int], str]:
        if not {"store", "row", "location_id"} <= set(self.index.columns):
            return {}
        columns = (self.index[name] for name in ("store", "row", "location_id"))
        return {(store, row): named for store, row, named in zip(*columns, strict=True)}


def open_tree(root: AnyPath) -> tuple[PublishedTree | None, list[Finding]]:
    """Read what the checks rest on; None where there is no manifest at all.

    Nothing that is wrong with the files raises: every problem is a finding, of the check that it belongs to.
    """
    unread: dict[str, str] = {}

    def attempt(path: str, read: Callable[[AnyPath], Read], otherwise: Read) -> Read:
        try:
            return read(root / path)
        except Exception as error:
            if not _is_expected(error):
                raise
            unread[path] = _reason(error)
            return otherwise

    listing = attempt(LISTING, lambda path: path.read_bytes(), b"")
    checksums, findings = ({}, []) if LISTING in unread else parse_listing(listing)
    index = attempt(INDEX, _read_index, pd.DataFrame())
    digests = attempt(DIGESTS, read_digests, DigestTable(()))
    empty: dict[str, Any] = {}
    provenance = attempt(PROVENANCE, _read_object, empty)
    findings += [
        Finding(check, path, f"cannot be read: {unread[path]}", path=path)
        for path, check in _READ.items()
        if path in unread
    ]
    if len(unread) == len(_READ):
        return None, findings
    named = _named_arrays(checksums, index, digests)
    stores: dict[str, zarr.Group] = {}
    arrays: dict[str, dict[str, Any]] = {}
    known = _known_places(index, digests)
    for store in sorted({*named, *_found_stores(root)}):
        opened = _open_store(root, store, findings)
        if opened is not None:
            stores[store] = opened
            arrays[store] = _open_arrays(root, store, opened, named.get(store, set()), known[store], findings)
    return PublishedTree(root, checksums, stores, arrays, index, digests, provenance, listing, unread), findings


def _open_store(root: AnyPath, store: str, findings: list[Finding]) -> zarr.Group | None:
    try:
        # Of format 2 hidden files would be read, which nobody lists.
        return zarr.open_group(zarr_store(root / store), mode="r", zarr_format=3, use_consolidated=False)
    except Exception as error:
        if not _is_expected(error):
            raise
        what = f"the store cannot be opened: {_reason(error)}"
        findings.append(Finding("content", store, what, path=f"{store}/zarr.json", store=store))
        return None


def _open_arrays(
    root: AnyPath, store: str, opened: zarr.Group, named: Iterable[str], known: int, findings: list[Finding]
) -> dict[str, Any]:
    """Open those of a store's arrays that are named or can be listed, and do not claim to be beyond all bounds."""
    arrays = {}
    for name in sorted({*named, *_found_arrays(root / store)}):
        try:
            node = opened[name]
            if not isinstance(node, zarr.Array):
                continue
            what = beyond_bounds(node, known)
            if what is None:
                arrays[name] = node
                continue
        except Exception as error:
            if not _is_expected(error):
                raise
            what = f"the array cannot be opened: {_reason(error)}"
        path = f"{store}/{name}/zarr.json"
        findings.append(Finding("content", f"{store} {name}", what, path=path, store=store, array=name))
    return arrays


def _known_places(index: pd.DataFrame, digests: DigestTable) -> Counter[str]:
    """Rows times seasons of every store that the index names, or rows that have digests, whichever are more."""
    known = Counter({one.store: len(one.digest) for one in digests.arrays})
    if "store" in index:
        known |= Counter({str(store): int(rows) for store, rows in index["store"].value_counts().items()})
    return known


def _named_arrays(checksums: Mapping[str, str], index: pd.DataFrame, digests: DigestTable) -> dict[str, set[str]]:
    """Arrays by store as the manifest names them: a web server lists nothing."""
    named: dict[str, set[str]] = {}
    for path in checksums:
        parts = PurePosixPath(path).parts
        if len(parts) >= 3 and parts[0] == "store" and parts[-1] == "zarr.json":
            arrays = named.setdefault("/".join(parts[:2]), set())
            # The digests name the arrays; without them, whatever may be one.
            arrays.update(parts[2:3] if len(parts) == 4 and not digests.arrays else ())
    for one in digests.arrays:
        named.setdefault(one.store, set()).add(one.array)
    for store in index["store"].dropna().unique() if "store" in index else ():
        named.setdefault(str(store), set())
    return {store: arrays for store, arrays in named.items() if _is_store(store)}


def _is_store(path: str) -> bool:
    """Whether a path names a store as manifests do, and leads nowhere else."""
    parts = PurePosixPath(path).parts
    return len(parts) == 2 and parts[0] == "store" and parts[1].endswith(".zarr") and parts[1] != ".zarr"


def _found_stores(root: AnyPath) -> list[str]:
    """Stores that are there, named or not; none where nothing can be listed."""
    if not can_list(root):
        return []
    try:
        return [f"store/{path.name}" for path in listed(root / "store", "*.zarr") if not path.name.startswith(".")]
    except OSError:
        return []


def _found_arrays(store: AnyPath) -> list[str]:
    if not can_list(store):
        return []
    try:
        return [path.parent.name for path in listed(store, "*/zarr.json") if b'"array"' in path.read_bytes()]
    except OSError:
        return []


def _read_index(path: AnyPath) -> pd.DataFrame:
    table = pq.ParquetFile(readable(path), page_checksum_verification=True).read()
    if len(set(table.column_names)) != table.num_columns:
        raise ValueError("a column is there twice")
    table.validate(full=True)  # text that is none would be met by whichever check reads it first
    frame: pd.DataFrame = table.to_pandas()
    return frame


def _read_object(path: AnyPath) -> dict[str, Any]:
    plain = json.loads(path.read_bytes())
    if not isinstance(plain, dict):
        raise ValueError("no JSON object")
    return plain


def _is_expected(error: Exception) -> bool:
    """Whether an exception is what damaged or missing files raise."""
    # Zarr takes metadata at its word: what is no object, or a chunk of no size, fails in its own arithmetic.
    known = (*UNREADABLE, pa.ArrowException, NoldoError, TypeError, AttributeError, ArithmeticError)
    return isinstance(error, known) or is_storage_error(error)


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError) or isinstance(error.__cause__, FileNotFoundError):
        return NOT_THERE
    return storage_reason(error)
