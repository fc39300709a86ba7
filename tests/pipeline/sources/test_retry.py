import pytest
from google.auth import exceptions as auth
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema.errors import FailureKind, NoldoError, SourceError, UsageError
from pipeline.sources.retry import BrokenAnswerError, RetryPolicy, classify, is_heavy, with_retries

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
        (403, "Caller does not have permission", FailureKind.PERMANENT),
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


def test_transient_failures_are_tried_again_until_they_pass() -> None:
    seen: list[tuple[int, bool]] = []
    left = [TimeoutError("late"), BrokenAnswerError("short")]

    def operation() -> str:
        if left:
            raise left.pop()
        return "answer"

    answer = with_retries(
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
        with_retries(
            operation, policy=QUICK, expected=(NoldoError,), record=lambda _a, failure, _s: seen.append(failure)
        )
    assert len(seen) == tries


def test_a_defect_of_ours_is_neither_retried_nor_reworded() -> None:
    seen: list[int] = []

    def operation() -> None:
        raise KeyError("defect")

    with pytest.raises(KeyError, match="defect"):
        with_retries(operation, policy=QUICK, expected=(OSError,), record=lambda attempt, _f, _s: seen.append(attempt))
    assert seen == []


def test_a_failure_that_must_stop_is_not_tried_again() -> None:
    seen: list[int] = []

    def operation() -> None:
        raise SourceError(FailureKind.TRANSIENT, "Computation timed out.")

    with pytest.raises(SourceError):
        with_retries(
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
