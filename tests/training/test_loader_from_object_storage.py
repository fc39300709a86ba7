"""A store in a bucket gives the batches that it gives on a disk, and says as plainly what is damaged."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import zarr

from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.paths import AnyPath
from training import shard_files, store_files
from training.dataset import TrainingStore, open_store, open_truth
from training.epoch_plan import Shuffle, plan_all_seasons, plan_epoch
from training.loader import read_batches, read_labels

Upload = Callable[..., AnyPath]


@pytest.fixture
def upload(small: tuple[Path, Path], bucket: Callable[[], AnyPath]) -> Upload:
    """Copy the small store, finished, into a bucket; leaves out the files whose path ends in `without`."""

    def copy(*, without: str = "nothing", digest: bool = True) -> AnyPath:
        place = bucket() / "store" / "nol.zarr"
        for file in small[0].rglob("*"):
            name = file.relative_to(small[0]).as_posix()
            if file.is_file() and not name.endswith(without):
                place.fs.pipe_file(f"{place.path}/{name}", file.read_bytes())
        if digest:
            text = (
                (small[0] / "zarr.json")
                .read_text()
                .replace('"attributes": {}', '"attributes": {"content_digest": "d"}')
            )
            place.fs.pipe_file(f"{place.path}/zarr.json", text.encode())
        return place

    return copy


def by_tensorstore(path: AnyPath) -> TrainingStore:
    return replace(open_store(path), shards=None)


@pytest.mark.parametrize("opened", [open_store, by_tensorstore])
def test_batches_are_those_of_the_disk(
    small: tuple[Path, Path], upload: Upload, opened: Callable[[AnyPath], TrainingStore]
) -> None:
    store = opened(upload())
    assert (store.digest, store.locations) == ("d", 8)
    plans = plan_epoch(Shuffle(1, 2), np.arange(8), 3)
    theirs = read_batches(open_store(small[0]), plans, pin=False)
    for one, other in zip(read_batches(store, plans, pin=False, readers=2), theirs, strict=True):
        assert one.rows.tolist() == other.rows.tolist()
        for name, values in one.arrays.items():
            assert torch.equal(values, other.arrays[name])


def test_our_shards_are_read_by_ranges(upload: Upload) -> None:
    store = open_store(upload())
    assert store.shards is not None
    assert isinstance(store.shards["s2"].files, shard_files.BucketFiles)


@pytest.mark.parametrize("opened", [open_store, by_tensorstore])
@pytest.mark.parametrize("name", ["s1", "s2", "dw"])
def test_a_flipped_byte_is_found_and_named(
    upload: Upload, name: str, opened: Callable[[AnyPath], TrainingStore]
) -> None:
    place = upload()
    shard = place.fs.find(f"{place.path}/{name}/c/1")[0]
    content = bytearray(place.fs.cat_file(shard))
    content[100] ^= 0x10
    place.fs.pipe_file(shard, bytes(content))
    with pytest.raises(NoldoError, match=f"array '{name}' cannot be read at rows? 4 \\(") as found:
        list(read_batches(opened(place), plan_all_seasons(np.arange(8), 8), pin=False))
    assert str(place) in str(found.value)
    assert len(str(found.value).splitlines()) == 2


@pytest.mark.parametrize("opened", [open_store, by_tensorstore])
def test_a_shard_that_is_gone_is_damage(upload: Upload, opened: Callable[[AnyPath], TrainingStore]) -> None:
    place = upload(without="s2/c/1/0/0/0/0")
    with pytest.raises(NoldoError, match=r"array 's2' cannot be read at rows? [4-7]"):
        list(read_batches(opened(place), plan_epoch(Shuffle(0, 0), np.arange(8), 8), pin=False))


def test_a_bucket_that_is_out_of_reach_is_no_damage(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    place = upload()
    monkeypatch.setattr(store_files, "_RETRIES", {"max_retries": 1, "initial_delay": "10ms", "max_delay": "10ms"})
    reached = open_store(place)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    array = replace(reached.shards["s1"], files=shard_files.BucketFiles(place / "s1"))  # type: ignore[index]
    with pytest.raises(NoldoError, match=r"cannot be read at row 5 \(.*\)\nSee whether s3://.* can be reached"):
        array.read_into(5, 0, np.empty((2, 72, 72), np.uint8))


def test_a_store_in_a_bucket_is_one_when_it_is_finished(upload: Upload) -> None:
    with pytest.raises(UsageError, match="is not finished"):
        open_store(upload(digest=False))
    with pytest.raises(UsageError, match="is not a training store"):
        open_store(upload() / "elsewhere")
    with pytest.raises(UsageError, match="has no array 'dw'"):
        open_store(upload(without="dw/zarr.json"))


def test_the_truth_may_lie_in_a_bucket_too(small: tuple[Path, Path], upload: Upload) -> None:
    place = upload()
    truth = place.parent / "truth.zarr"
    for file in small[1].rglob("*"):
        if file.is_file():
            truth.fs.pipe_file(f"{truth.path}/{file.relative_to(small[1]).as_posix()}", file.read_bytes())
    expected = np.asarray(zarr.open_array(small[1] / "truth", mode="r")[:])
    (plan,) = plan_epoch(Shuffle(0, 0), np.arange(3), 4)
    found = read_labels(open_truth(truth, open_store(place)), plan)
    assert np.array_equal(found, expected[plan.rows, plan.seasons])
