"""What the faults look like on the wire, and what the real client makes of them."""

import io
import json

import numpy as np
import pytest

from pipeline.emulator.broken import ERRORS, halved, mistyped
from pipeline.emulator.faults import ENDING_KINDS, SPLITTING_KINDS, TRANSIENT_KINDS, FaultKind
from pipeline.emulator.replies import Reply, error_reply


def npy(table: np.ndarray) -> Reply:
    stream = io.BytesIO()
    np.save(stream, table)
    return Reply(200, "application/octet-stream", stream.getvalue())


def test_every_kind_is_in_one_group() -> None:
    groups = [*TRANSIENT_KINDS, *SPLITTING_KINDS, *ENDING_KINDS]
    assert sorted(groups) == sorted(FaultKind)


@pytest.mark.parametrize(
    ("kind", "status", "name"),
    [
        (FaultKind.QUOTA, 429, "RESOURCE_EXHAUSTED"), (FaultKind.RATE, 403, "PERMISSION_DENIED"),
        (FaultKind.INTERNAL, 500, "INTERNAL"), (FaultKind.UNAVAILABLE, 503, "UNAVAILABLE"),
        (FaultKind.MEMORY, 400, "INVALID_ARGUMENT"), (FaultKind.REVOKED, 401, "UNAUTHENTICATED"),
    ],
)  # fmt: skip
def test_errors_have_the_service_s_form(kind: FaultKind, status: int, name: str) -> None:
    error = json.loads(ERRORS[kind].body)["error"]
    assert (ERRORS[kind].status, error["code"], error["status"]) == (status, status, name)


def test_the_reason_stands_where_google_s_client_looks_for_it() -> None:
    error = json.loads(ERRORS[FaultKind.RATE].body)["error"]
    assert error["errors"][0]["reason"] == "rateLimitExceeded"
    assert json.loads(ERRORS[FaultKind.MEMORY].body)["error"]["message"] == "User memory limit exceeded."


def test_other_types_in_the_same_number_of_bytes() -> None:
    table = np.zeros((3, 5), [("s2", "<u2"), ("s1", "<f4"), ("dw", "|u1"), ("x", "<f8")])
    table["s2"] = 7
    whole = npy(table)
    wrong = mistyped(whole)
    assert len(wrong.body) == len(whole.body)
    got = np.load(io.BytesIO(wrong.body))
    assert got.shape == table.shape
    assert got.dtype.names == table.dtype.names
    assert not any(got.dtype[name] == table.dtype[name] for name in table.dtype.names)
    assert (got["s2"] == 7).all()


def test_what_is_no_array_stays_whole() -> None:
    for reply in (Reply(200, "application/json", b'{"result": "<u2"}'), error_reply(400, "no")):
        assert mistyped(reply) is reply


def test_half_is_left() -> None:
    assert halved(Reply(200, "x", b"12345")).body == b"12"
