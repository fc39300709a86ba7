"""What a failed request means, and how long to wait before the next try."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from google.auth import exceptions as auth

from pipeline.schema.errors import FailureKind, NoldoError, SourceError, UsageError

Answer = TypeVar("Answer")

NO_CREDENTIALS: Final = (
    "no Earth Engine credentials were found; run 'earthengine authenticate' or set "
    "GOOGLE_APPLICATION_CREDENTIALS to a service-account key file"
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
    operation: Callable[[], Answer],
    *,
    policy: RetryPolicy,
    expected: tuple[type[Exception], ...],
    record: Callable[[int, NoldoError | None, float], None],
    stop: Callable[[SourceError], bool] = lambda _: False,
) -> Answer:
    """Run `operation` until it succeeds, cannot succeed, or the policy's attempts are spent.

    `expected` are the exceptions that `classify` understands; others are defects and pass through.
    `record` gets the attempt's number, its failure or None, and its seconds. A failure for which `stop`
    is true is not tried again. Raises SourceError, or UsageError where credentials are refused.
    """
    for attempt in range(1, policy.attempts + 1):
        started = time.monotonic()
        try:
            answer = operation()
        except expected as error:
            failure = classify(error)
            record(attempt, failure, time.monotonic() - started)
            if not isinstance(failure, SourceError):
                raise failure from error
            final = failure.kind in (FailureKind.PERMANENT, FailureKind.EMPTY) or attempt == policy.attempts
            if final or stop(failure):
                raise failure from error
            time.sleep(policy.pause_s(failure.kind, attempt, random.random()))
        else:
            record(attempt, None, time.monotonic() - started)
            return answer
    raise ValueError(f"a retry policy needs at least 1 attempt, got {policy.attempts}")


def _classify_auth(error: auth.GoogleAuthError) -> NoldoError:
    if isinstance(error, auth.DefaultCredentialsError):
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
    return SourceError(FailureKind.PERMANENT, message)


def _refused_credentials(text: str) -> UsageError:
    return UsageError(
        f"the Earth Engine credentials were refused ({text}); run 'earthengine authenticate' again or check "
        "the key file that GOOGLE_APPLICATION_CREDENTIALS names"
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
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
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else f"{text[:300]}..."
