"""What rows are held against, and how a difference is worded."""

import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipeline.manifest.digest_table import ArrayDigests
from pipeline.manifest.verify.finding import Check, Finding
from pipeline.manifest.verify.label_share import labelled_counts, share_array, share_findings
from pipeline.manifest.verify.tree import PublishedTree
from pipeline.manifest.verify.values import RowCheck, row_check

ABSENT_DIGEST: Final = bytes(32)
"""What the table of digests gives for a row that it lacks."""


@dataclass(frozen=True, eq=False)
class ExpectedRows:
    """One array as it was published."""

    tree: PublishedTree
    store: str
    array: str
    digests: ArrayDigests | None
    """None where the manifest has none of this array: that is found once, by check_digests, not a row at a time."""
    values: RowCheck | None
    shares: NDArray[np.float64] | None
    """(rows, seasons): share of pixels with a label that the index states; None where these pixels do not tell it."""

    @property
    def path(self) -> str:
        """Folder of the array, relative to the data set's."""
        return f"{self.store}/{self.array}"

    def finding(self, check: Check, row: int, what: str, *, path: str | None = None, within: str = "") -> Finding:
        """A finding in one row, with the location that it holds."""
        where = f"{self.store} {self.array} row {row}{within}{self.tree.location(self.store, row)}"
        return Finding(check, where, what, path=path, store=self.store, array=self.array, row=row)

    def judge(self, row: int, digest: bytes, values: NDArray[Any] | None, path: str | None) -> Iterator[Finding]:
        """What is wrong with a row that has that digest, and holds these values.

        They may be left out where neither `values` nor `shares` are known.
        """
        different = self._unlike_published(row, digest)
        if different is not None:
            yield self.finding("content", row, different, path=path)
        if values is None:
            return
        wrong = self.values(values) if self.values is not None else None
        if wrong is not None:
            yield self.finding("values", row, wrong, path=path)
        if self.shares is not None:
            counts = labelled_counts(self.array, values[None])
            yield from share_findings(self.tree, self.store, self.shares, row, counts, math.prod(values.shape[-2:]))

    def _unlike_published(self, row: int, digest: bytes) -> str | None:
        if self.digests is None or row >= len(self.digests.digest):
            return None
        published = self.digests.digest[row].tobytes()
        if published in (digest, ABSENT_DIGEST):
            return None
        what = f"SHA-256 {digest.hex()[:12]}..., published {published.hex()[:12]}..."
        elsewhere = self._rows_by_digest.get(digest)
        return what if elsewhere is None else f"{what}: holds what was published as row {elsewhere}"

    @functools.cached_property
    def _rows_by_digest(self) -> dict[bytes, int]:
        digests = self.digests.digest if self.digests is not None else ()
        return {digest.tobytes(): row for row, digest in enumerate(digests)}


def expected_rows(
    tree: PublishedTree, store: str, array: str, shares: Mapping[str, NDArray[np.float64]]
) -> tuple[ExpectedRows, list[Finding]]:
    """What an array's rows are held against; a finding where its attributes make no sense.

    `shares` are those of label_share.stated_shares.
    """
    opened = tree.arrays[store][array]
    findings = []
    values = None
    try:
        values = row_check(opened.attrs.asdict(), opened.metadata.dimension_names or (), np.dtype(opened.dtype))
    except (ValueError, TypeError) as error:
        path = f"{store}/{array}/zarr.json"
        findings.append(Finding("values", f"{store} {array}", str(error), path=path, store=store, array=array))
    stated = shares.get(store) if array == share_array(tree.arrays[store]) and opened.ndim >= 3 else None
    return ExpectedRows(tree, store, array, tree.digests.of(store, array), values, stated), findings
