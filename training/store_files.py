"""Where the files of a store lie, as tensorstore takes it: a folder, or object storage behind s3:// and gs://.

Object storage is read by tensorstore's own drivers, which run many requests at once outside Python's lock. Only s3://
has been run (against a server of the S3 protocol on one machine); gs:// takes the same way, and nothing tests it.
"""

import os
from pathlib import Path
from typing import Any, Final

import tensorstore as ts

from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.paths import AnyPath

REQUESTS_AT_ONCE: Final = 128
"""To a bucket: 600 locations/s are 1,800 reads/s, which at 50 ms each keeps 90 under way."""

_RETRIES: Final = {"max_retries": 6, "initial_delay": "500ms", "max_delay": "16s"}
"""Half a minute in all, where tensorstore's own 32 tries would take a quarter of an hour over a host that is gone."""

PATIENCE_S: Final = 180.0
"""How long one answer is waited for, seconds: longer than all retries, so only a transfer that hangs meets it."""

_DRIVERS: Final = {"s3": "s3", "gs": "gcs"}

FAILURES: Final = (ValueError, RuntimeError, OSError)
"""What tensorstore raises where something cannot be read; TimeoutError is an OSError."""


def kvstore_spec(folder: AnyPath) -> dict[str, Any]:
    """Tensorstore's specification of the files of a folder; UsageError for a scheme other than s3:// and gs://.

    A bucket's end point, region and key are those of the environment (AWS_ENDPOINT_URL, AWS_REGION,
    AWS_ACCESS_KEY_ID, ...), else what tensorstore finds: shared credentials file, machine role, Google's application
    default credentials. An end point that only ~/.aws/config names is not seen.
    """
    if isinstance(folder, Path):
        named = folder.resolve() if ".." in folder.parts else folder  # the driver refuses to go up
        return {"driver": "file", "path": f"{named}/"}
    driver = _DRIVERS.get(folder.protocol)
    if driver is None:
        raise UsageError(f"{folder}: stores are read from a folder, s3:// or gs://")
    bucket, _, path = folder.path.strip("/").partition("/")
    limits = {f"{driver}_request_concurrency": {"limit": REQUESTS_AT_ONCE}, f"{driver}_request_retries": _RETRIES}
    where = _amazon() if driver == "s3" else {}
    return {"driver": driver, "bucket": bucket, "path": f"{path}/", "context": limits, **where}


def open_files(folder: AnyPath) -> Any:
    """The files of a folder as a tensorstore.KvStore; errors as kvstore_spec, and UsageError for a bad bucket name."""
    try:
        return ts.KvStore.open(kvstore_spec(folder)).result()
    except FAILURES as error:
        raise UsageError(f"{folder} cannot be opened ({reason(error)}); check its name and your access") from error


def read_file(folder: AnyPath, name: str) -> bytes | None:
    """A whole file, or None where there is none; NoldoError where its folder cannot be reached."""
    try:
        read = open_files(folder).read(name).result(timeout=PATIENCE_S)
    except FAILURES as error:
        raise NoldoError(f"{folder}: {name} cannot be read ({reason(error)}); restore it") from error
    return None if read.state == "missing" else bytes(read.value)


def folder_of(files: Any) -> str:
    """The folder of a tensorstore.KvStore as a user wrote it."""
    spec = files.spec().to_json()
    schemes = {driver: scheme for scheme, driver in _DRIVERS.items()}
    place = f"{schemes[spec['driver']]}://{spec['bucket']}/" if spec["driver"] in schemes else ""
    return place + str(spec["path"]).rstrip("/")


def reason(error: BaseException) -> str:
    """Why tensorstore could not read, in one line."""
    said = str(error) or type(error).__name__
    return said.splitlines()[0].split(" [tensorstore_spec")[0].split(" [source locations")[0]


def _amazon() -> dict[str, Any]:
    found: dict[str, Any] = {}
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if endpoint:
        found["endpoint"] = endpoint
    if region:
        found["aws_region"] = region
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        found["aws_credentials"] = {"type": "environment"}  # the whole chain would complain of absent files
    return found
