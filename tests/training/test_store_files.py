"""Where tensorstore is told to look, and what is said where nothing answers."""

from collections.abc import Callable
from pathlib import Path

import pytest
from upath import UPath

from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.paths import AnyPath
from training import store_files
from training.store_files import folder_of, kvstore_spec, open_files, read_file, reason

AMAZON = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID")


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in AMAZON:
        monkeypatch.delenv(name, raising=False)


def test_a_folder_is_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "zarr.json").write_text("{}")
    assert read_file(tmp_path, "zarr.json") == b"{}"
    assert read_file(tmp_path, "other") is None
    assert read_file(tmp_path / "nothing", "zarr.json") is None


def test_a_folder_may_be_named_from_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "zarr.json").write_text("{}")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert read_file(Path("../store"), "zarr.json") == b"{}"
    assert folder_of(open_files(Path("../store"))) == str((tmp_path / "store").resolve())


@pytest.mark.usefixtures("no_settings")
def test_a_bucket_is_split_from_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = kvstore_spec(UPath("s3://bucket/runs/one/store/nol.zarr"))
    assert (spec["driver"], spec["bucket"], spec["path"]) == ("s3", "bucket", "runs/one/store/nol.zarr/")
    assert not {"endpoint", "aws_region", "aws_credentials"} & spec.keys()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store:9000")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    spec = kvstore_spec(UPath("s3://bucket/nol.zarr"))
    assert (spec["endpoint"], spec["aws_region"]) == ("http://store:9000", "eu-central-1")
    assert spec["aws_credentials"] == {"type": "environment"}


def test_cloud_storage_takes_the_same_way() -> None:
    spec = kvstore_spec(UPath("gs://bucket/runs/nol.zarr", token="anon"))
    assert (spec["driver"], spec["bucket"], spec["path"]) == ("gcs", "bucket", "runs/nol.zarr/")
    opened = open_files(UPath("gs://bucket/runs/nol.zarr", token="anon"))  # the driver knows every key of it
    assert folder_of(opened) == "gs://bucket/runs/nol.zarr"


def test_a_folder_is_told_as_it_was_named(tmp_path: Path, bucket: Callable[[], AnyPath]) -> None:
    assert folder_of(open_files(tmp_path)) == str(tmp_path)
    place = bucket()
    assert folder_of(open_files(place)) == str(place)


def test_other_places_are_refused() -> None:
    with pytest.raises(UsageError, match=r"memory:.*a folder, s3:// or gs://"):
        kvstore_spec(UPath("memory://bucket/nol.zarr"))


def test_a_file_of_a_bucket(bucket: Callable[[], AnyPath]) -> None:
    place = bucket()
    place.fs.pipe_file(f"{place.path}/zarr.json", b"{}")
    assert read_file(place, "zarr.json") == b"{}"
    assert read_file(place, "other") is None


def test_a_host_that_does_not_answer_is_told_in_a_line(
    bucket: Callable[[], AnyPath], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = bucket()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(store_files, "_RETRIES", {"max_retries": 2, "initial_delay": "10ms", "max_delay": "10ms"})
    with pytest.raises(NoldoError, match=r"s3://.*zarr\.json cannot be read \(.*connect") as found:
        read_file(place, "zarr.json")
    assert len(str(found.value).splitlines()) == 1


def test_a_reason_is_one_line() -> None:
    assert reason(ValueError("NOT_FOUND: no [tensorstore_spec='{}'] [source locations='x']\nmore")) == "NOT_FOUND: no"
    assert reason(TimeoutError()) == "TimeoutError"
