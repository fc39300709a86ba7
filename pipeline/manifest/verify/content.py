"""Whether the digests agree from the rows up to the data set: row, array, store, data set (pipeline/content.py)."""

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from pipeline.content import DIGEST_ATTRIBUTE, tree_digest
from pipeline.manifest.digest import combine_stores, index_digest
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.tree import DIGESTS, INDEX, PROVENANCE, PublishedTree
from pipeline.schema.errors import NoldoError


def check(tree: PublishedTree) -> Iterator[Finding]:
    """Find arrays without digests, digests without arrays, and digests that do not make up the published ones."""
    if DIGESTS in tree.unread:
        return
    yield from (Finding("content", DIGESTS, problem, path=DIGESTS) for problem in tree.digests.problems)
    yield from _unlike_arrays(tree)
    arrays = tree.digests.array_digests(
        {
            store: {name: (array.dtype.name, tuple(array.shape[1:])) for name, array in opened.items()}
            for store, opened in tree.arrays.items()
        }
    )
    for store, digests in arrays.items():
        published = tree.stores[store].attrs.get(DIGEST_ATTRIBUTE)
        found = tree_digest(digests)
        if published != found:
            what = f"its attribute {DIGEST_ATTRIBUTE} is {published}, its rows' digests make {found}"
            yield Finding("content", f"{store} attributes", what, path=f"{store}/zarr.json", store=store)
    if PROVENANCE not in tree.unread and INDEX not in tree.unread:
        yield from _unlike_provenance(tree, arrays)


def _unlike_arrays(tree: PublishedTree) -> Iterator[Finding]:
    """Arrays and digests that have no partner, or another number of rows."""
    digested = {(one.store, one.array): len(one.digest) for one in tree.digests.arrays}
    there = {(store, name): array for store, opened in tree.arrays.items() for name, array in opened.items()}
    for store, name in sorted(digested.keys() - there.keys()):
        what = "has digests, but cannot be opened or is not there"
        yield Finding("content", f"{store} {name}", what, path=f"{store}/{name}/zarr.json", store=store, array=name)
    for (store, name), array in sorted(there.items()):
        rows, published = array.shape[0] if array.shape else 0, digested.get((store, name))
        if published is None:
            yield Finding("content", f"{store} {name}", f"has no digests in {DIGESTS}", store=store, array=name)
        elif published != rows:
            what = f"has {rows} rows, {published} were published"
            yield Finding("content", f"{store} {name}", what, path=f"{store}/{name}/zarr.json", store=store, array=name)


def _unlike_provenance(tree: PublishedTree, arrays: Mapping[str, dict[str, str]]) -> Iterator[Finding]:
    """Digests in provenance.json that are not those of the tables."""
    published: Any = tree.provenance.get("content_digest")
    if not isinstance(published, Mapping):
        yield Finding("content", PROVENANCE, "has no content_digest", path=PROVENANCE)
        return
    if not arrays:
        yield Finding("content", DIGESTS, "holds no digest of any array that is there", path=DIGESTS)
        return
    try:
        index = index_digest(tree.root / INDEX)
    except NoldoError as error:
        yield Finding("index", INDEX, str(error).splitlines()[0], path=INDEX)
        return
    rows = sum(
        max((len(one.digest) for one in tree.digests.arrays if one.store == store), default=0) for store in arrays
    )
    named = {PurePosixPath(store).stem: digests for store, digests in arrays.items()}
    found = combine_stores(named, index, rows).as_json()
    for key, value in found.items():
        if key == "arrays":
            yield from _unlike_named(published.get(key), value)
        elif published.get(key) != value:
            what = f"content_digest.{key} is {published.get(key)}, what is published makes {value}"
            yield Finding("content", PROVENANCE, what, path=PROVENANCE)


def _unlike_named(published: Any, found: Mapping[str, str]) -> Iterator[Finding]:
    given = published if isinstance(published, Mapping) else {}
    for name in sorted(given.keys() | found.keys()):
        if given.get(name) != found.get(name):
            what = f"content_digest.arrays.{name} is {given.get(name)}, the rows' digests make {found.get(name)}"
            yield Finding("content", PROVENANCE, what, path=PROVENANCE)
