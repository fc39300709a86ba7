"""What a request is answered with: bytes, or an error in the service's JSON form."""

import json
from dataclasses import dataclass
from typing import Any, Final

STATUS_NAMES: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
"""google.rpc.Code names of the HTTP statuses that the emulator sends (google/rpc/code.proto)."""


@dataclass(frozen=True)
class Reply:
    """One HTTP answer."""

    status: int
    content_type: str
    body: bytes


class RequestError(Exception):
    """A request that Earth Engine would refuse; the message is meant for the caller."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def json_reply(value: Any, status: int = 200) -> Reply:
    """Encode plain data as a JSON answer."""
    return Reply(status, "application/json; charset=UTF-8", json.dumps(value).encode())


def error_reply(status: int, message: str, reason: str | None = None) -> Reply:
    """The service's error body: {"error": {"code", "message", "status"}}.

    A `reason`, such as rateLimitExceeded, comes in 'errors' as in Google's older interfaces.
    """
    error: dict[str, Any] = {"code": status, "message": message, "status": STATUS_NAMES.get(status, "UNKNOWN")}
    if reason is not None:
        error["errors"] = [{"message": message, "domain": "usageLimits", "reason": reason}]
    return json_reply({"error": error}, status)
