"""What a failed request means, and how long to wait before the next try."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Final, TypeVar

from google.auth import exceptions as auth

from pipeline.schema.errors import FailureKind, NoldoError, SourceError, UsageError
from pipeline.sources.pace import Slot

Raw = TypeVar("Raw")
Answer = TypeVar("Answer")

MAX_RETRY_AFTER_S: Final = 300.0
"""The service's Retry-After is honoured up to this, seconds: a later date is left to the next run."""

KEY_VARIABLE: Final = "GOOGLE_APPLICATION_CREDENTIALS"
"""Names a key file (google-auth, 'Application default credentials')."""

NO_CREDENTIALS: Final = (
    f"no Earth Engine credentials were found; run 'earthengine authenticate' or set {KEY_VARIABLE} to a "
    "service-account key file"
)

QUOTA_TEXTS: Final = ("quota", "rate limit", "ratelimit", "too many requests", "too many concurrent")
"""Earth Engine guide, 'Coding best practices' and 'Debugging': 429 and its texts; some arrive as 400 or 403."""

AGAIN_TEXTS: Final = ("computation timed out", "capacity exceeded", "internal error", "try again")
"""Texts of 4xx answers that the guide's 'Debugging' page says may succeed when asked again."""

HEAVY_TEXTS: Final = ("computation timed out", "memory limit exceeded", "accumulating over", "too large")
"""Texts that say one request asks for too much at once (guide, 'Debugging': scaling errors)."""


class BrokenAnswerError(Exception):
    """An answer that arrived as a success but is cut short or is not what was asked for."""


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential back-off with jitter."""

    attempts: int = 6
    """Tries in all, 1 or more."""
    base_s: float = 1.0
    """Longest pause after the first failure, seconds; doubles with every further one."""
    cap_s: float = 60.0
    """No pause is longer, seconds."""
    quota_factor: float = 4.0
    """Pauses are this many times longer where a quota was hit."""

    def at_most(self, attempts: int) -> "RetryPolicy":
        """The same pauses, but no more than `attempts` tries."""
        return replace(self, attempts=min(self.attempts, attempts))

    def pause_s(self, kind: FailureKind, attempt: int, unit: float) -> float:
        """Pause after failed attempt 1, 2, ... in seconds; `unit` in 0..1 is the jitter, over the upper half."""
        factor = self.quota_factor if kind is FailureKind.QUOTA else 1.0
        longest = min(self.cap_s, self.base_s * factor * 2.0 ** (attempt - 1))
        return longest * (0.5 + 0.5 * unit)


SERVICE_RETRY: Final = RetryPolicy()
"""For the real service."""

LOCAL_RETRY: Final = RetryPolicy(attempts=10, base_s=0.1, cap_s=2.0, quota_factor=2.0)
"""For an emulator, where a pause costs more than a request."""


def classify(error: Exception) -> NoldoError:
    """The expected failure behind what a client library raised: a SourceError, or UsageError for credentials."""
    if isinstance(error, NoldoError):
        return error
    if isinstance(error, auth.GoogleAuthError):
        return _classify_auth(error)
    status, text = _status(error), _one_line(error)
    if status is not None:
        return _classify_status(status, text)
    if isinstance(error, BrokenAnswerError):
        return SourceError(FailureKind.TRANSIENT, f"broken answer: {text}")
    if isinstance(error, OSError):
        return SourceError(FailureKind.TRANSIENT, f"no answer: {text}")
    return SourceError(FailureKind.PERMANENT, text)


def is_heavy(error: SourceError) -> bool:
    """Whether a smaller request could succeed where this one failed."""
    return any(text in str(error).lower() for text in HEAVY_TEXTS)


def with_retries(
    send: Callable[[], Raw],
    read: Callable[[Raw], Answer],
    *,
    policy: RetryPolicy,
    expected: tuple[type[Exception], ...],
    slot: Callable[[], AbstractContextManager[Slot]],
    record: Callable[[int, NoldoError | None, float], None],
    stop: Callable[[SourceError], bool] = lambda _: False,
) -> Answer:
    """Send and read until both succeed, cannot succeed, or the policy's attempts are spent.

    A slot is held while `send` is under way, not while `read` checks its answer and not between the attempts.
    `expected` are the exceptions that `classify` understands; others are defects and pass through.
    `record` gets the attempt's number, its failure or None, and its seconds without the wait for a slot. A
    failure for which `stop` is true is not tried again. Raises SourceError, or UsageError where credentials
    are refused; what `slot` raises ends it at once.
    """
    for attempt in range(1, policy.attempts + 1):
        with slot() as held:
            started = time.monotonic()
            sent = _attempt(send, expected)
            held.ended(_kind(sent))
        outcome: Answer | _Failed = sent if isinstance(sent, _Failed) else _attempt(partial(read, sent), expected)
        seconds = time.monotonic() - started
        if not isinstance(outcome, _Failed):
            record(attempt, None, seconds)
            return outcome
        failure = outcome.failure
        record(attempt, failure, seconds)
        if not isinstance(failure, SourceError):
            raise failure from outcome.error
        final = failure.kind in (FailureKind.PERMANENT, FailureKind.EMPTY) or attempt == policy.attempts
        if final or stop(failure):
            raise failure from outcome.error
        pause_s = policy.pause_s(failure.kind, attempt, random.random())
        time.sleep(max(pause_s, min(retry_after_s(outcome.error), MAX_RETRY_AFTER_S)))
    raise ValueError(f"a retry policy needs at least 1 attempt, got {policy.attempts}")


@dataclass(frozen=True)
class _Failed:
    failure: NoldoError
    error: Exception


def _attempt(operation: Callable[[], Answer], expected: tuple[type[Exception], ...]) -> "Answer | _Failed":
    try:
        return operation()
    except expected as error:
        return _Failed(classify(error), error)


def _kind(outcome: object) -> str:
    if not isinstance(outcome, _Failed):
        return "ok"
    failure = outcome.failure
    return (failure.kind if isinstance(failure, SourceError) else FailureKind.PERMANENT).value


def retry_after_s(error: Exception) -> float:
    """How long the service asks to wait, seconds; 0 where it does not say (RFC 9110, 10.2.3)."""
    for link in _chain(error):
        response = getattr(link, "resp", None)
        text = response.get("retry-after") if isinstance(response, Mapping) else None
        if text is not None:
            return _seconds(str(text))
    return 0.0


def _seconds(text: str) -> float:
    """Seconds from now, from a number of them or from a date."""
    try:
        return max(float(int(text)), 0.0)
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return max((moment - datetime.now(moment.tzinfo)).total_seconds(), 0.0)


def _classify_auth(error: auth.GoogleAuthError) -> NoldoError:
    # Credentials that are asked to renew themselves after a 401 and cannot are refused ones, not absent ones.
    if isinstance(error, auth.DefaultCredentialsError) and not isinstance(error, auth.InvalidOperation):
        return UsageError(NO_CREDENTIALS)
    if isinstance(error, auth.TransportError) or error.retryable:
        return SourceError(FailureKind.TRANSIENT, f"{type(error).__name__}: {_one_line(error)}")
    return _refused_credentials(_one_line(error))


def _classify_status(status: int, text: str) -> NoldoError:
    lower = text.lower()
    message = f"HTTP {status}: {text}"
    if status == 401:
        return _refused_credentials(text)
    if status == 429 or (status < 500 and any(known in lower for known in QUOTA_TEXTS)):
        return SourceError(FailureKind.QUOTA, message)
    if status >= 500 or status == 408 or any(known in lower for known in AGAIN_TEXTS):
        return SourceError(FailureKind.TRANSIENT, message)
    if status == 403:
        return UsageError(
            f"Earth Engine refuses access ({text}); check that the project is registered for Earth Engine and that "
            "these credentials may use it"
        )
    return SourceError(FailureKind.PERMANENT, message)


def bad_key_file(named: str, error: Exception) -> str:
    """What to say where the key file that KEY_VARIABLE names cannot be used."""
    return (
        f"{KEY_VARIABLE} names {named}, which is no usable key file ({_one_line(error)}); correct it, or unset it and "
        "run 'earthengine authenticate'"
    )


def _refused_credentials(text: str) -> UsageError:
    return UsageError(
        f"the Earth Engine credentials were refused ({text}); run 'earthengine authenticate' again or check "
        f"the key file that {KEY_VARIABLE} names"
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, NoldoError):  # what came before was another request's
        yield seen
        seen = seen.__cause__ or seen.__context__


def _status(error: Exception) -> int | None:
    """The HTTP status; the Earth Engine client keeps it only in the exception's context."""
    for link in _chain(error):
        status = getattr(getattr(link, "resp", None), "status", None)
        if isinstance(status, int):
            return status
    return None


def _one_line(error: Exception) -> str:
    said = error.args[0] if error.args and isinstance(error.args[0], (str, Exception)) else error  # not its causes too
    reason = getattr(said, "reason", None)  # why urllib3 gave up, without what it was asked for
    text = " ".join(str(reason if isinstance(reason, Exception) else said).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]}..."
