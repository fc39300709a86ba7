"""What the faults look like on the wire: error answers in the service's words, and answers that were damaged."""

import re
from http import HTTPStatus
from typing import Final

from pipeline.emulator.faults import FaultKind
from pipeline.emulator.limits import MEMORY_MESSAGE
from pipeline.emulator.replies import Reply, error_reply

ERRORS: Final = {
    FaultKind.QUOTA: error_reply(429, "Too many requests: the quota of this project is used up for now."),
    FaultKind.RATE: error_reply(403, "Rate Limit Exceeded", "rateLimitExceeded"),
    FaultKind.INTERNAL: error_reply(500, "An internal error has occurred."),
    FaultKind.UNAVAILABLE: error_reply(503, "The service is currently unavailable."),
    FaultKind.MEMORY: error_reply(400, MEMORY_MESSAGE),
    FaultKind.REVOKED: error_reply(
        401,
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential.",
    ),
}
"""The answers of those faults that are an error."""

_OTHER_TYPES: Final = {b"|u1": b"|i1", b"<u2": b"<i2", b"<f4": b"<i4", b"<f8": b"<i8"}
"""Another type of the same length."""

_NPY: Final = b"\x93NUMPY"


def mistyped(reply: Reply) -> Reply:
    """Pixels in NPY under a header that names other types of the same length; anything else as it is."""
    if reply.status != HTTPStatus.OK or not reply.body.startswith(_NPY):
        return reply
    end = reply.body.index(b"\n") + 1
    header = re.sub(rb"\|u1|<u2|<f4|<f8", lambda match: _OTHER_TYPES[match[0]], reply.body[:end])
    return Reply(reply.status, reply.content_type, header + reply.body[end:])


def halved(reply: Reply) -> Reply:
    """The first half of the body."""
    return Reply(reply.status, reply.content_type, reply.body[: len(reply.body) // 2])
