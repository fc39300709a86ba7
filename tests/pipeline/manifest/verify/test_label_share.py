"""Shares of labelled pixels, counted and compared."""

from collections.abc import Callable
from typing import Any

import numpy as np
import zarr

from pipeline.manifest.verify.index_rows import index_rows
from pipeline.manifest.verify.label_share import labelled_counts, share_array, share_findings, stated_shares
from pipeline.manifest.verify.tree import PublishedTree
from pipeline.schema.layout import RunLayout

Told = Callable[[Any], list[str]]


def compared(tree: PublishedTree, store: str) -> Any:
    rows = index_rows(tree)
    assert rows is not None
    array = share_array(tree.arrays[store])
    values = np.asarray(zarr.open_group(tree.root / store, mode="r")[array])
    counts = labelled_counts(array, values)
    stated = stated_shares(tree, rows)[store]
    assert counts.shape == stated.shape
    return share_findings(tree, store, stated, 0, counts, values.shape[-2] * values.shape[-1])


def test_shares_are_those_of_the_pixels_in_both_kinds_of_store(
    ours: Any, tiles_run: RunLayout, open_published: Callable[..., PublishedTree]
) -> None:
    assert list(compared(open_published(ours.run.root), "store/nol.zarr")) == []
    for store in ("store/dw_train.zarr", "store/dw_test.zarr"):
        assert list(compared(open_published(tiles_run.root), store)) == []


def test_a_share_that_is_a_pixel_off_is_told(ours: Any, changed: Callable[..., PublishedTree], told: Told) -> None:
    def more(rows: list[dict[str, Any]]) -> None:
        rows[6]["label_valid_frac"] += 1 / 24**2

    (line,) = told(compared(changed(ours.run, more), "store/nol.zarr"))
    location = ours.rows[1].location_id
    assert line == (
        f"manifest/index.parquet store/nol.zarr row 1 season 2, location {location}: "
        "label_valid_frac 0.998264, its pixels say 0.996528"
    )


def test_counts_are_by_row_and_season() -> None:
    dw = np.zeros((2, 4, 3, 3), np.uint8)
    dw[1, 2, 0] = 255
    assert labelled_counts("dw", dw).tolist() == [[9, 9, 9, 9], [9, 9, 6, 9]]
    ignore = np.ones((2, 3, 3), np.uint8)
    ignore[0, 0, 0] = 0
    assert labelled_counts("ignore", ignore).tolist() == [[1], [0]]
    assert (share_array({"dw": 1, "ignore": 1}), share_array({"dw": 1, "s2": 1})) == ("ignore", "dw")
