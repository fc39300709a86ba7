"""What is twice in a data set is told, whichever way it came there twice."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.manifest.digest_table import ArrayDigests, DigestTable
from pipeline.manifest.verify import duplicates
from pipeline.manifest.verify.tree import PublishedTree

Rows = list[dict[str, Any]]
Changed = Callable[..., PublishedTree]
Told = Callable[[Any], list[str]]


def test_a_location_in_two_rows_of_a_split_is_told_once(ours: Any, changed: Changed, told: Told) -> None:
    first = ours.rows[0].location_id

    def rename(rows: Rows) -> None:
        for row in rows:
            row["location_id"] = first if row["row"] in (0, 3) else row["location_id"]

    (line,) = told(duplicates.check(changed(ours.run, rename)))
    assert line == (
        f"manifest/index.parquet store/nol.zarr row 3 season 0, location {first}: "
        f"location {first} is in store/nol.zarr row 0 too"
    )


def test_a_scene_twice_on_the_same_ground_is_told(ours: Any, changed: Changed, told: Told) -> None:
    def twice(rows: Rows) -> None:
        for name in ("s2_id", "epsg", "geotransform"):
            rows[9][name] = rows[1][name]
        rows[11]["s2_id"] = rows[10]["s2_id"]  # of one location in two seasons
        rows[12]["s2_id"] = rows[1]["s2_id"]  # of two places: a scene covers many

    found = told(duplicates.check(changed(ours.run, twice)))
    assert [line.partition(": COPERNICUS")[0].partition(", location")[0].rpartition("zarr ")[2] for line in found] == [
        "row 2 season 1", "row 2 season 3",
    ]  # fmt: skip
    assert found[0].endswith("is on the same ground in store/nol.zarr row 0 season 1")


def test_rows_of_equal_pixels_are_told_in_any_store_and_labels_may_be_equal(
    ours: Any, changed: Changed, told: Told
) -> None:
    tree = changed(ours.run, lambda rows: None)

    def digests(store: str, array: str, values: list[int]) -> ArrayDigests:
        rows = np.repeat(np.array(values, np.uint8)[:, None], 32, axis=1)
        return ArrayDigests(store, array, rows, np.zeros(len(values), np.int32))

    table = DigestTable(
        (
            digests("store/nol.zarr", "dw", [7, 7, 7]),
            digests("store/nol.zarr", "s2", [1, 2, 1, 4, 0]),  # zeros stand for a digest that is missing
            digests("store/other.zarr", "s2", [4, 1, 0]),
            digests("store/other.zarr", "s1", [4, 4]),
        )
    )
    found = told(duplicates.check(replace(tree, digests=table)))
    first, third, fourth = (f", location {ours.rows[at].location_id}" for at in (0, 2, 3))
    assert found == [
        f"store/nol.zarr s2 row 2{third}: pixels are those of store/nol.zarr row 0{first}",
        f"store/other.zarr s2 row 0: pixels are those of store/nol.zarr row 3{fourth}",
        f"store/other.zarr s2 row 1: pixels are those of store/nol.zarr row 0{first}",
        "store/other.zarr s1 row 1: pixels are those of store/other.zarr row 0",
    ]
