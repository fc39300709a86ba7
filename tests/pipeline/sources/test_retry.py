from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httplib2
import pytest
import requests
from google.auth import exceptions as auth
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema.errors import FailureKind, NoldoError, SourceError, UsageError
from pipeline.sources.pace import BudgetSpentError
from pipeline.sources.retry import (
    MAX_RETRY_AFTER_S,
    BrokenAnswerError,
    RetryPolicy,
    bad_key_file,
    classify,
    is_heavy,
    retry_after_s,
    with_retries,
)

QUICK = RetryPolicy(attempts=3, base_s=0.0, cap_s=0.0)


class HttpError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__("inner")
        self.resp = type("Response", (), {"status": status})()


def client_error(status: int, text: str) -> Exception:
    """As the Earth Engine client raises: the status is only in the context."""
    try:
        try:
            raise HttpError(status)
        except HttpError:
            raise RuntimeError(text)  # noqa: B904 -- the client does just this
    except RuntimeError as error:
        return error


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (429, "Too Many Requests", FailureKind.QUOTA),
        (403, "rateLimitExceeded", FailureKind.QUOTA),
        (400, "Too many concurrent aggregations.", FailureKind.QUOTA),
        (400, "Image.load: Image asset 'x' not found.", FailureKind.PERMANENT),
        (404, "not found", FailureKind.PERMANENT),
        (400, "Computation timed out.", FailureKind.TRANSIENT),
        (500, "An internal error has occurred", FailureKind.TRANSIENT),
        (503, "quota service unavailable", FailureKind.TRANSIENT),
    ],
)
def test_the_status_and_text_of_an_answer_decide_its_kind(status: int, text: str, kind: FailureKind) -> None:
    failure = classify(client_error(status, text))
    assert isinstance(failure, SourceError)
    assert failure.kind is kind
    assert str(failure) == f"HTTP {status}: {text}"


@pytest.mark.parametrize(
    "error",
    [ConnectionResetError("reset"), TimeoutError("late"), BrokenAnswerError("short"),
     auth.TransportError("no route")],
)  # fmt: skip
def test_network_trouble_is_transient(error: Exception) -> None:
    failure = classify(error)
    assert isinstance(failure, SourceError)
    assert failure.kind is FailureKind.TRANSIENT


@pytest.mark.parametrize(
    "error",
    [auth.RefreshError("revoked"), auth.DefaultCredentialsError("none"), client_error(401, "Unauthorized")],
)
def test_credentials_are_the_users_matter_and_the_message_says_what_to_do(error: Exception) -> None:
    failure = classify(error)
    assert isinstance(failure, UsageError)
    assert "earthengine authenticate" in str(failure)


def test_a_long_message_becomes_one_short_line() -> None:
    failure = classify(client_error(400, "first\nsecond " + "x" * 1000))
    assert "\n" not in str(failure)
    assert len(str(failure)) < 350


class Slots:
    """Counts the slots held, and what was said of them."""

    def __init__(self) -> None:
        self.held = 0
        self.kinds: list[str] = []

    def ended(self, kind: str) -> None:
        self.kinds.append(kind)

    @contextmanager
    def slot(self) -> Iterator["Slots"]:
        self.held += 1
        yield self
        self.held -= 1


def retried(operation: Callable[[], Any], **rest: Any) -> Any:
    return with_retries(operation, lambda raw: raw, **{"slot": Slots().slot, **rest})


def test_a_slot_is_held_while_a_request_is_under_way_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    slots = Slots()
    bodies = ["torn", "whole"]
    seen: list[tuple[str, int]] = []

    def send() -> str:
        seen.append(("send", slots.held))
        return bodies.pop(0)

    def read(raw: str) -> str:
        seen.append(("read", slots.held))
        if raw == "torn":
            raise BrokenAnswerError("cut short")
        return raw

    monkeypatch.setattr("time.sleep", lambda _: seen.append(("pause", slots.held)))
    policy = RetryPolicy(attempts=2)
    record = lambda *_: None  # noqa: E731
    with_retries(send, read, policy=policy, expected=(BrokenAnswerError,), slot=slots.slot, record=record)
    assert seen == [("send", 1), ("read", 0), ("pause", 0), ("send", 1), ("read", 0)]
    assert slots.kinds == ["ok", "ok"], "the service did answer"


def test_a_slot_is_told_how_its_request_ended() -> None:
    slots = Slots()
    errors = [SourceError(FailureKind.QUOTA, "slower"), TimeoutError("late"), SourceError(FailureKind.PERMANENT, "no")]

    def operation() -> None:
        raise errors.pop(0)

    with pytest.raises(SourceError, match=r"^no$"):
        retried(operation, policy=QUICK, expected=(NoldoError, OSError), slot=slots.slot, record=lambda *_: None)
    assert slots.kinds == ["quota", "transient", "permanent"]


def test_what_the_pace_raises_is_not_tried_again() -> None:
    @contextmanager
    def spent() -> Iterator[Slots]:
        raise BudgetSpentError
        yield

    seen: list[int] = []
    with pytest.raises(BudgetSpentError):
        retried(lambda: None, policy=QUICK, expected=(NoldoError,), slot=spent, record=lambda n, _f, _s: seen.append(n))
    assert seen == []


def test_access_that_is_refused_is_no_fault_of_a_place() -> None:
    failure = classify(client_error(403, "Caller does not have required permission to use project x"))
    assert isinstance(failure, UsageError)
    assert "required permission to use project x" in str(failure)
    assert "check that the project" in str(failure)


def test_a_failure_is_told_by_its_own_answer_and_not_by_one_before() -> None:
    refused = classify(client_error(400, "Image.load: Image asset 'x' not found."))
    reset = ConnectionResetError("Connection reset by peer")
    reset.__context__ = refused
    failure = classify(reset)
    assert isinstance(failure, SourceError)
    assert failure.kind is FailureKind.TRANSIENT


def answer_with(**headers: str) -> Exception:
    error = ValueError("Too many requests")
    error.resp = httplib2.Response({"status": "429", **headers})  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({}, 0, 0),
        ({"retry-after": "7"}, 7, 7),
        ({"retry-after": "-7"}, 0, 0),
        ({"retry-after": "soon"}, 0, 0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0, 0),
    ],
)
def test_retry_after_is_read_in_both_forms(headers: dict[str, str], low: float, high: float) -> None:
    assert low <= retry_after_s(answer_with(**headers)) <= high


def test_a_date_to_retry_after_is_counted_from_now() -> None:
    before = datetime.now(UTC)
    after_s = retry_after_s(answer_with(**{"retry-after": format_datetime(before + timedelta(hours=1), usegmt=True)}))
    passed_s = (datetime.now(UTC) - before).total_seconds()
    assert 3600 - passed_s - 1 <= after_s <= 3600


@pytest.mark.parametrize(("after", "expected"), [("7", 7.0), ("100000", MAX_RETRY_AFTER_S)])
def test_the_services_own_pause_is_kept_within_reason(
    monkeypatch: pytest.MonkeyPatch, after: str, expected: float
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)

    def operation() -> str:
        if not pauses:
            raise answer_with(**{"retry-after": after})
        return "answer"

    assert retried(operation, policy=QUICK, expected=(ValueError,), record=lambda *_: None) == "answer"
    assert pauses == [expected]


def test_transient_failures_are_tried_again_until_they_pass() -> None:
    seen: list[tuple[int, bool]] = []
    left = [TimeoutError("late"), BrokenAnswerError("short")]

    def operation() -> str:
        if left:
            raise left.pop()
        return "answer"

    answer = retried(
        operation,
        policy=QUICK,
        expected=(OSError, BrokenAnswerError),
        record=lambda attempt, failure, _: seen.append((attempt, failure is None)),
    )
    assert answer == "answer"
    assert seen == [(1, False), (2, False), (3, True)]


@pytest.mark.parametrize(("kind", "tries"), [(FailureKind.PERMANENT, 1), (FailureKind.QUOTA, 3)])
def test_only_what_may_pass_is_tried_again(kind: FailureKind, tries: int) -> None:
    seen: list[NoldoError | None] = []

    def operation() -> None:
        raise SourceError(kind, "no")

    with pytest.raises(SourceError, match=r"^no$"):
        retried(operation, policy=QUICK, expected=(NoldoError,), record=lambda _a, failure, _s: seen.append(failure))
    assert len(seen) == tries


def test_a_defect_of_ours_is_neither_retried_nor_reworded() -> None:
    seen: list[int] = []

    def operation() -> None:
        raise KeyError("defect")

    with pytest.raises(KeyError, match="defect"):
        retried(operation, policy=QUICK, expected=(OSError,), record=lambda attempt, _f, _s: seen.append(attempt))
    assert seen == []


def test_a_failure_that_must_stop_is_not_tried_again() -> None:
    seen: list[int] = []

    def operation() -> None:
        raise SourceError(FailureKind.TRANSIENT, "Computation timed out.")

    with pytest.raises(SourceError):
        retried(
            operation,
            policy=QUICK,
            expected=(NoldoError,),
            record=lambda attempt, _f, _s: seen.append(attempt),
            stop=is_heavy,
        )
    assert seen == [1]


@settings(deadline=None, max_examples=50)
@given(base=st.floats(0.01, 5), cap=st.floats(0.01, 100), attempt=st.integers(1, 30), unit=st.floats(0, 1))
def test_pauses_grow_to_the_cap_and_quota_waits_at_least_as_long(
    base: float, cap: float, attempt: int, unit: float
) -> None:
    policy = RetryPolicy(base_s=base, cap_s=cap)
    pause = policy.pause_s(FailureKind.TRANSIENT, attempt, unit)
    assert 0 < pause <= cap
    assert policy.pause_s(FailureKind.TRANSIENT, attempt + 1, unit) >= pause
    assert policy.pause_s(FailureKind.QUOTA, attempt, unit) >= pause


def test_what_failed_is_told_once_and_without_the_words_of_libraries() -> None:
    with pytest.raises(requests.ConnectionError) as refused:
        requests.get("http://127.0.0.1:9/a?token=b", timeout=5)
    told = str(classify(refused.value))
    assert told.endswith("Connection refused")
    assert "Max retries" not in told
    assert "token" not in told
    key_file = bad_key_file("key.json", auth.DefaultCredentialsError("it is not JSON", ValueError("at 1")))
    assert "(it is not JSON)" in key_file
