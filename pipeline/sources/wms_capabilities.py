"""What a map service says that it offers."""

import re
import warnings
from dataclasses import dataclass
from typing import Any, Final

from owslib.util import ServiceException
from owslib.wms import WebMapService

from pipeline.schema.errors import FailureKind, SourceError, UsageError
from pipeline.sources.wms_answers import page_text
from pipeline.sources.wms_settings import WmsSettings

JSON: Final = "application/json"
PNG: Final = "image/png"

_UNREADABLE: Final = (SyntaxError, ServiceException, AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What OWSLib raises for a document that is no capabilities."""


@dataclass(frozen=True)
class Offer:
    """What a service offers of one layer."""

    max_px: int
    """Longest side of a map that it draws, pixels; where it does not say, the recipe's."""
    legend_format: str
    """In which form to ask for its legend: JSON with names, or a picture."""
    legend_url: str | None
    """Where it says that the legend's picture lies."""


def read_offer(body: bytes, settings: WmsSettings, where: str) -> Offer:
    """Read a capabilities document, and hold against it what the recipe wants.

    Raises UsageError for a layer, style, coordinate system or format that the service does not offer, SourceError
    (transient) for an answer that is no capabilities document.
    """
    try:
        with warnings.catch_warnings():  # of a layer that is listed twice
            warnings.simplefilter("ignore")
            service: Any = WebMapService(where, version=settings.version, xml=body)
        operations = {operation.name: operation for operation in service.operations}
        formats = [str(found) for found in operations["GetMap"].formatOptions]
    except _UNREADABLE as error:
        said = page_text(body)
        raise SourceError(
            FailureKind.TRANSIENT, f"{where}: no capabilities of a map service of version {settings.version}: {said}"
        ) from error
    layer = service.contents.get(settings.layer)
    if layer is None:
        names = ", ".join(sorted(service.contents)[:8]) or "no layer"
        raise UsageError(f"{where} has no layer '{settings.layer}'; it has {names}")
    offered = {
        "layer's style": [*layer.styles, ""],
        "coordinate system": sorted({str(system).upper() for system in layer.crsOptions}),
        "format": formats,
    }
    wanted = {"layer's style": settings.style, "coordinate system": settings.crs, "format": settings.format}
    for what, value in wanted.items():
        if value not in offered[what]:
            raise UsageError(f"{where} does not offer the {what} {value}; it offers {', '.join(offered[what][:12])}")
    legends = getattr(operations.get("GetLegendGraphic"), "formatOptions", None) or []
    style: dict[str, str] = layer.styles.get(settings.style) or next(iter(layer.styles.values()), {})
    return Offer(
        max_px=_limit(body, settings.max_px),
        legend_format=settings.legend_format or (JSON if JSON in legends else PNG),
        legend_url=style.get("legend"),
    )


def _limit(body: bytes, wanted: int) -> int:
    """MaxWidth and MaxHeight of version 1.3.0, which OWSLib passes over (OGC 06-042, 7.2.4.3)."""
    limits = [int(found) for found in re.findall(rb"<Max(?:Width|Height)>\s*(\d{1,9})\s*<", body)]
    return min([wanted, *(limit for limit in limits if limit > 0)])
