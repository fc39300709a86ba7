"""What came back from a map service: the image asked for, or a page that says why not."""

import html
import io
import re
import warnings
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.schema.errors import FailureKind, SourceError
from pipeline.sources.retry import BrokenAnswerError

REFUSALS: Final = frozenset(
    {
        "invalidformat", "invalidcrs", "invalidsrs", "layernotdefined", "stylenotdefined", "layernotqueryable",
        "missingdimensionvalue", "invaliddimensionvalue", "operationnotsupported", "invalidparametervalue",
    }
)  # fmt: skip
"""Codes of a service exception that asking again does not help (OGC 06-042, table E.1)."""

_EXCEPTION: Final = re.compile(r"<(?:\w+:)?ServiceException\b([^>]*)>(.*?)</(?:\w+:)?ServiceException>", re.S | re.I)
_CODE: Final = re.compile(r"""\bcode\s*=\s*["']([^"']*)""")
_MODES: Final = ("RGB", "RGBA", "P", "PA", "L", "LA", "1")
"""Pillow's modes of 8 bits a colour, which become red, green, blue and opacity without loss."""


def read_image(body: bytes, size_px: tuple[int, int] | None, where: str) -> NDArray[np.uint8]:
    """The PNG of an answer as (height, width, 4) red, green, blue and opacity, 0..255.

    `size_px` is the (width, height) that it must have. Raises SourceError for a page instead of an image and for
    another kind of image, BrokenAnswerError for an image that is cut short or of another size.
    """
    if body[:2] == b"\xff\xd8":
        raise SourceError(
            FailureKind.PERMANENT, f"{where}: a JPEG came instead of a PNG, whose colours are not the legend's"
        )
    if not body.startswith(b"\x89PNG"):
        raise told(body, where)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(body), formats=("PNG",))
            if size_px is not None and image.size != size_px:
                raise BrokenAnswerError(f"{where}: a map of {image.size} pixels came, {size_px} were asked for")
            if image.mode not in _MODES:
                raise SourceError(FailureKind.PERMANENT, f"{where}: the image is of mode {image.mode}, not 8 bits")
            image.verify()  # the sums of all pieces, the last one included, which decoding does not look at
            return np.asarray(Image.open(io.BytesIO(body), formats=("PNG",)).convert("RGBA"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise BrokenAnswerError(f"{where}: the image of {len(body)} bytes is broken ({error})") from error


def told(body: bytes, where: str) -> SourceError:
    """What an answer that is no image says, as a failure with one plain line."""
    found = _EXCEPTION.search(body[:65536].decode(errors="replace"))
    if found is None:
        return SourceError(FailureKind.TRANSIENT, f"{where}: {page_text(body)} came instead of an image")
    code = _CODE.search(found[1])
    known = code is not None and code[1].casefold() in REFUSALS
    kind = FailureKind.PERMANENT if known else FailureKind.TRANSIENT
    return SourceError(kind, f"{where}: the service says '{_line(found[2]) or 'nothing'}'")


def page_text(body: bytes) -> str:
    """What an answer is, for a message: an HTML page and its title, a service's exception, or its first words."""
    text = body[:65536].decode(errors="replace")
    exception = _EXCEPTION.search(text)
    if exception is not None:
        return f"the service says '{_line(exception[2])}'"
    if re.search(r"<(!doctype\s+)?html\b", text, re.I):
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.S | re.I)
        return "an HTML page" + (f" '{_line(title[1])}'" if title else "")
    return f"an answer that begins '{_line(text[:60])}'" if text.strip() else "an empty answer"


def _line(markup: str) -> str:
    """The text of some markup in one line of at most 200 characters."""
    markup = re.sub(r"<!\[CDATA\[(.*?)\]\]>", r"\1", markup, flags=re.S)
    text = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", markup)).split())
    return text if len(text) <= 200 else f"{text[:200]}..."
