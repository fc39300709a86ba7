"""Arrays are added whole or not at all, and nothing else of the store changes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from numpy.typing import NDArray
from upath import UPath

from pipeline.schema.errors import NoldoError, UsageError
from training.dataset import open_store
from training.epoch_plan import plan_all_seasons
from training.label_source import open_label_source
from training.loader import read_batches
from training.pseudo.label_arrays import AddedArray, add_arrays, label_attributes, provenance_of, writable

SHAPE = (8, 4, 72, 72)
ARRAYS = [AddedArray("pl", {"long_name": "x"}, 255), AddedArray("pl_confidence", {}, 0, labels="pl")]
MADE = {"made_by": "test", "of": 1}


def values(seed: int) -> dict[str, NDArray[np.uint8]]:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 9, size=SHAPE, dtype=np.uint8)
    label[2] = 255
    label[3, 1, :, :40] = 255
    return {"pl": label, "pl_confidence": np.where(label == 255, 0, 200).astype(np.uint8)}


def write(store: Path, seed: int, made: Mapping[str, Any] = MADE) -> dict[str, str]:
    whole = values(seed)
    return add_arrays(
        store, ARRAYS, lambda part: {name: array[part.start : part.stop] for name, array in whole.items()}, made, {}
    )


def files(store: Path) -> dict[str, bytes]:
    return {str(p.relative_to(store)): p.read_bytes() for p in sorted(store.rglob("*")) if p.is_file()}


def test_what_is_written_is_read_by_training_and_the_rest_is_as_it_was(store: Path) -> None:
    before = files(store)
    digests = write(store, 0)
    after = files(store)
    assert {name: content for name, content in after.items() if not name.startswith("labels/")} == before
    found = open_store(store, "pl")
    assert found.shards is not None, "sharded and checksummed as the store's own labels are"
    assert found.labels.digest == digests["pl"]
    plans = plan_all_seasons(np.arange(8), 8)
    for plan, batch in zip(plans, read_batches(found, plans, pin=False, confidence=True), strict=True):
        assert np.array_equal(batch.labels, values(0)["pl"][plan.rows])
        assert batch.confidence is not None
        assert np.array_equal(batch.confidence, values(0)["pl_confidence"][plan.rows])
    array, own = (zarr.open_array(store / name, mode="r") for name in ("labels/pl", "dw"))
    assert (array.shards, array.chunks, array.fill_value) == (own.shards, own.chunks, 255)
    codecs = json.loads((store / "labels" / "pl" / "zarr.json").read_text())["codecs"][0]["configuration"]["codecs"]
    assert codecs[-1]["name"] == "crc32c"
    assert provenance_of(store, "pl") == MADE
    assert provenance_of(store, "other") is None
    assert sorted(p.name for p in (store / "labels").iterdir()) == ["pl", "pl_confidence", "zarr.json"]


def test_arrays_tell_the_state_of_the_store_that_they_were_made_for(store: Path) -> None:
    write(store, 0)
    assert "store_digest" not in zarr.open_array(store / "labels/pl", mode="r").attrs, "this store carries none"
    zarr.open_group(store).attrs["content_digest"] = "sha256:now"
    write(store, 0, {"made": "anew"})
    for name in ("pl", "pl_confidence"):
        assert zarr.open_array(store / "labels" / name, mode="r").attrs["store_digest"] == "sha256:now"


def test_the_digest_is_of_the_values(store: Path) -> None:
    one, same = write(store, 0), write(store, 0, {"made": "otherwise"})
    assert one == same
    assert write(store, 1)["pl"] != one["pl"]


def test_interrupted_nothing_shows_and_the_next_call_goes_on(store: Path) -> None:
    whole, asked = values(0), []

    def rows(part: range) -> dict[str, NDArray[np.uint8]]:
        asked.append(part.start)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return {name: array[part.start : part.stop] for name, array in whole.items()}

    with pytest.raises(KeyboardInterrupt):
        add_arrays(store, ARRAYS, rows, MADE, {})
    assert provenance_of(store, "pl") is None
    with pytest.raises(UsageError, match=r"no array .*; .* has dw$"):
        open_label_source(store, "pl", SHAPE)
    digests = add_arrays(store, ARRAYS, rows, MADE, {})
    assert asked == [0, 4, 4], "the first shard was there"
    assert digests == write(store, 0)


def test_what_was_begun_otherwise_is_not_gone_on_with(store: Path) -> None:
    def stop_late(part: range) -> dict[str, NDArray[np.uint8]]:
        if part.start:
            raise KeyboardInterrupt
        return {name: array[part.start : part.stop] for name, array in values(5).items()}

    with pytest.raises(KeyboardInterrupt):
        add_arrays(store, ARRAYS, stop_late, {"made": "otherwise"}, {})
    write(store, 0)
    assert np.array_equal(zarr.open_array(store / "labels/pl", mode="r")[:], values(0)["pl"])
    assert not list((store / "labels").glob(".*"))


def test_labels_are_replaced_with_all_that_belongs_to_them(store: Path) -> None:
    add_arrays(store, [AddedArray("pl_union", {}, 255)], lambda part: {"pl_union": values(3)["pl"][part]}, MADE, {})
    write(store, 0)
    whole = values(1)
    add_arrays(
        store,
        ARRAYS,
        lambda part: {name: array[part.start : part.stop] for name, array in whole.items()},
        {"made": "anew"},
        {"code": "1"},
        replaces=["pl_union"],
    )
    assert np.array_equal(zarr.open_array(store / "labels/pl", mode="r")[:], values(1)["pl"])
    assert provenance_of(store, "pl") == {"made": "anew"}
    assert sorted(p.name for p in (store / "labels").iterdir()) == ["pl", "pl_confidence", "zarr.json"]


@pytest.mark.parametrize("made", [{"made": "anew"}, {"made": "a third time"}], ids=["same", "otherwise"])
def test_stopped_between_its_renames_a_replacing_call_can_be_made_again(
    store: Path, monkeypatch: pytest.MonkeyPatch, made: dict[str, str]
) -> None:
    write(store, 0)
    renames, rename = [], Path.rename

    def stop_at_the_fourth(self: Path, target: Path) -> Path:
        renames.append(self)
        if len(renames) == 4:
            raise KeyboardInterrupt
        return rename(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", stop_at_the_fourth)
        with pytest.raises(KeyboardInterrupt):
            write(store, 1, {"made": "anew"})
    digests = write(store, 1, made)
    assert provenance_of(store, "pl") == made
    assert np.array_equal(zarr.open_array(store / "labels/pl", mode="r")[:], values(1)["pl"])
    assert open_store(store, "pl").labels.digest == digests["pl"]
    assert sorted(p.name for p in (store / "labels").iterdir()) == ["pl", "pl_confidence", "zarr.json"]


def test_a_disk_that_keeps_other_values_is_found_out(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "array_equal", lambda *_: False)
    with pytest.raises(NoldoError, match="rows from 0 on are not what was written"):
        write(store, 0)


def test_object_storage_is_refused() -> None:
    with pytest.raises(UsageError, match=r"memory://bucket/nol\.zarr: labels are added to a store on a disk only"):
        writable(UPath("memory://bucket/nol.zarr"))


def test_the_legend_is_that_of_the_store_s_own_labels(store: Path) -> None:
    zarr.open_array(store / "dw", mode="r+").attrs.update({"flag_values": [0, 1], "other": 1})
    found = label_attributes(store, "name", "comment")
    assert found["flag_values"] == [0, 1]
    assert found["_FillValue"] == 255
    assert "other" not in found
