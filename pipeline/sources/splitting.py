"""One request for pixels as several smaller ones: by season, then by sensor, then by band. Pure.

A layer's bands do not depend on one another, so what arrives is the same however a request is split.
"""

from dataclasses import dataclass, replace
from typing import Final

from pipeline.schema.errors import FailureKind, SourceError
from pipeline.sources.protocol import LayerRequest, PixelRequest

MAX_PIXEL_BYTES: Final = 50_331_648
"""Uncompressed bytes of one answer (REST reference, projects.image.computePixels)."""

MAX_BANDS: Final = 1024
"""Bands of one answer (REST reference, projects.image.computePixels)."""


@dataclass(frozen=True)
class PixelLimits:
    """What one answer may hold."""

    max_bytes: int = MAX_PIXEL_BYTES
    max_bands: int = MAX_BANDS

    def hold(self, request: PixelRequest) -> bool:
        """Whether the answer to `request` keeps within them."""
        return request.uncompressed_bytes <= self.max_bytes and request.bands <= self.max_bands


SERVICE_LIMITS: Final = PixelLimits()


def fitted(request: PixelRequest, limits: PixelLimits = SERVICE_LIMITS) -> tuple[PixelRequest, ...]:
    """The request itself where the limits hold it, else halves of halves that they do hold, in its order.

    Raises SourceError (permanent) where they do not even hold one band.
    """
    if limits.hold(request):
        return (request,)
    halves = halved(request)
    if halves is None:
        raise SourceError(
            FailureKind.PERMANENT,
            f"location {request.location_id} asks for one band of {request.uncompressed_bytes:,} bytes; an answer "
            f"holds at most {limits.max_bytes:,} bytes in {limits.max_bands} bands, so choose a smaller patch",
        )
    return tuple(piece for half in halves for piece in fitted(half, limits))


def halved(request: PixelRequest) -> tuple[PixelRequest, PixelRequest] | None:
    """Two requests that together ask for the same bands in the same order; None for a single band.

    The cut lies between two layers, as near to half of the bytes as can be: whole seasons stay together while
    there are several. A single layer is cut between its bands.
    """
    layers = request.layers
    if len(layers) > 1:
        sizes = [replace(request, layers=layers[:cut]).uncompressed_bytes for cut in range(1, len(layers))]
        cut = 1 + min(range(len(sizes)), key=lambda at: abs(2 * sizes[at] - request.uncompressed_bytes))
        return replace(request, layers=layers[:cut]), replace(request, layers=layers[cut:])
    if request.bands < 2:
        return None
    (layer,), half = layers, request.bands // 2
    return (
        replace(request, layers=(_some_bands(layer, slice(half)),)),
        replace(request, layers=(_some_bands(layer, slice(half, None)),)),
    )


def _some_bands(layer: LayerRequest, chosen: slice) -> LayerRequest:
    return replace(layer, bands=layer.bands[chosen], names=layer.names[chosen])
