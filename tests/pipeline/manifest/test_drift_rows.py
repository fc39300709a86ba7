"""Rows are compared by their digests alone, wherever each side keeps them."""

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.content import row_digest
from pipeline.manifest.digest_table import DIGESTS_FILE, ArrayDigests, write_digests
from pipeline.manifest.drift_rows import RowDrift, differing, row_drift
from pipeline.manifest.drift_side import Side

NOL = "store/nol.zarr"
Held = dict[str, tuple[str, dict[str, int]]]
"""Location -> (store, array -> what its row holds), in store order."""


def side(folder: Path, held: Held, *, shard_rows: int = 2, without: tuple[str, str, int] | None = None) -> Side:
    """A side whose rows hold one number each; `without` leaves the digests out from (store, array, row) on."""
    folder.mkdir()
    rows: dict[str, list[str]] = {}
    for location_id, (store, _) in held.items():
        rows.setdefault(store, []).append(location_id)
    arrays = []
    for store, ids in rows.items():
        for array in held[ids[0]][1]:
            digests = [row_digest(np.array([held[i][1][array]])) for i in ids]
            if without and (store, array) == without[:2]:
                digests = digests[: without[2]]
            arrays.append(ArrayDigests.of(store, array, digests, shard_rows))
    write_digests(folder / DIGESTS_FILE, arrays)
    index = pd.DataFrame(
        [
            {"location_id": i, "season": season, "store": store, "row": row}
            for store, ids in rows.items()
            for row, i in enumerate(ids)
            for season in range(4)
        ]
    )
    return Side(str(folder), index, None, folder)


def held(**values: int) -> Held:
    return {name: (NOL, {"dw": value, "s2": 10 * value}) for name, value in values.items()}


def test_rows_that_are_the_same_are_none_that_changed(tmp_path: Path) -> None:
    found = row_drift(side(tmp_path / "a", held(x=1, y=2, z=3)), side(tmp_path / "b", held(x=1, y=2, z=3)))
    nothing = RowDrift("dw", 3, 0, (), (), 0, 0)
    assert found == (nothing, RowDrift("s2", 3, 0, (), (), 0, 0))
    assert differing(found, ("dw", "s2")) == set()


def test_a_row_that_is_elsewhere_has_moved_and_one_that_holds_other_pixels_has_changed(tmp_path: Path) -> None:
    ours = side(tmp_path / "a", held(x=1, y=2, z=3, gone=9))
    theirs = held(new=8, z=3, y=2, x=1)
    theirs["y"] = (NOL, {"dw": 2, "s2": 21})
    found = row_drift(ours, side(tmp_path / "b", theirs))
    assert found == (RowDrift("dw", 3, 3, (), (), 0, 0), RowDrift("s2", 2, 2, ("y",), (), 0, 0))
    assert differing(found, ("s2",)) == {"y"}
    assert differing(found, ("dw",)) == set()


def test_another_shard_file_or_store_is_a_move(tmp_path: Path) -> None:
    ours = held(x=1, y=2, z=3)
    resharded = row_drift(side(tmp_path / "a", ours), side(tmp_path / "b", ours, shard_rows=1))
    assert resharded is not None
    assert [(one.same, one.moved) for one in resharded] == [(3, 2), (3, 2)], "row 0 stays in shard 0"
    split = {name: (f"store/{name}.zarr", values) for name, (_, values) in ours.items()}
    stores = row_drift(side(tmp_path / "c", ours), side(tmp_path / "d", split))
    assert stores is not None
    assert [(one.same, one.moved, one.changed) for one in stores] == [(3, 3, ()), (3, 3, ())]


def test_what_one_side_has_no_digest_of_is_not_called_the_same(tmp_path: Path) -> None:
    ours = held(x=1, y=2, z=3)
    theirs = {name: (store, {"dw": values["dw"]}) for name, (store, values) in ours.items()}
    dw, s2 = row_drift(
        side(tmp_path / "a", ours, without=(NOL, "dw", 2)), side(tmp_path / "b", theirs)
    ) or (None, None)  # fmt: skip
    assert dw == RowDrift("dw", 2, 0, (), ("z",), 0, 0)
    assert s2 == RowDrift("s2", 0, 0, (), (), 3, 0)


def test_without_digests_on_both_sides_nothing_is_said(tmp_path: Path) -> None:
    ours = side(tmp_path / "a", held(x=1))
    (tmp_path / "b").mkdir()
    assert row_drift(ours, Side("b", ours.index, None, tmp_path / "b")) is None
    assert row_drift(ours, Side("ids", pd.DataFrame({"location_id": ["x"], "season": 0}), None)) is None
