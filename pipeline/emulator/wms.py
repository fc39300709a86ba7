"""The map service: GetCapabilities, GetLegendGraphic and GetMap of the planet's land use, versions 1.1.1 and 1.3.0."""

import threading
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from pipeline.emulator.map_drawing import MapView, draw_map, jpeg, legend_picture, png
from pipeline.emulator.replies import Reply
from pipeline.emulator.wms_documents import FORMATS, LAYER, MAX_PX, SYSTEMS, capabilities, exception, legend_json

VERSIONS: Final = ("1.1.1", "1.3.0")
COARSEST_M: Final = 12.0
"""No map is drawn with larger pixels than this on the ground, for the land is drawn at 10 m."""

MAPS_AT_ONCE: Final = 2
"""Maps that are drawn at the same time; more would only fill the memory."""

ERROR_PAGE: Final = Reply(
    200, "text/html; charset=UTF-8",
    b"<!DOCTYPE html><html><head><title>Service under maintenance</title></head><body>Back soon.</body></html>",
)  # fmt: skip
"""What a proxy before a map service may send in place of a map, as if all were well."""


class _RefusedError(Exception):
    """A request that the service answers with an exception report."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class LandUseService:
    """Answers a map service's requests, from many threads."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._room = threading.Semaphore(MAPS_AT_ONCE)

    def __call__(self, query: str, url: str) -> Reply:
        """The answer to one request; `url` is the service's own address, without a query."""
        asked = {name.casefold(): value for name, value in parse_qsl(query, keep_blank_values=True)}
        version = asked.get("version", "1.3.0")
        version = version if version in VERSIONS else "1.3.0"
        try:
            return self._answer(asked, version, url)
        except _RefusedError as error:
            return Reply(200, "text/xml; charset=UTF-8", exception(version, error.code, str(error)))

    def _answer(self, asked: Mapping[str, str], version: str, url: str) -> Reply:
        request = asked.get("request", "").casefold()
        if request == "getcapabilities":
            return Reply(200, "text/xml; charset=UTF-8", capabilities(version, url))
        if request == "getlegendgraphic":
            return _legend(asked)
        if request != "getmap":
            raise _RefusedError("OperationNotSupported", f"the request '{asked.get('request', '')}' is not served")
        view, kind = _view(asked, version)
        transparent = asked.get("transparent", "FALSE").casefold() == "true" and kind == FORMATS[0]
        with self._room:
            image = draw_map(self._seed, view, transparent)
        return Reply(200, kind, png(image) if kind == FORMATS[0] else jpeg(image))


def _legend(asked: Mapping[str, str]) -> Reply:
    if asked.get("layer") != LAYER:
        raise _RefusedError("LayerNotDefined", f"the layer '{asked.get('layer', '')}' is not known")
    if asked.get("format") == "application/json":
        return Reply(200, "application/json", legend_json())
    return Reply(200, "image/png", legend_picture())


def _view(asked: Mapping[str, str], version: str) -> tuple[MapView, str]:
    """What a GetMap request asks to see, and in which format."""
    if asked.get("layers") != LAYER:
        raise _RefusedError("LayerNotDefined", f"the layer '{asked.get('layers', '')}' is not known")
    if asked.get("styles", "") not in ("", "default"):
        raise _RefusedError("StyleNotDefined", f"the style '{asked['styles']}' is not known")
    kind = asked.get("format", "")
    if kind not in FORMATS:
        raise _RefusedError("InvalidFormat", f"maps are drawn as {', '.join(FORMATS)}, not as '{kind}'")
    crs = asked.get("crs" if version == "1.3.0" else "srs", "").upper()
    if crs not in SYSTEMS:
        raise _RefusedError("InvalidCRS" if version == "1.3.0" else "InvalidSRS", f"'{crs}' is not offered")
    try:
        box = [float(edge) for edge in asked.get("bbox", "").split(",")]
        width, height = int(asked["width"]), int(asked["height"])
    except (KeyError, ValueError):
        raise _RefusedError("", "bbox, width and height must be numbers") from None
    if version == "1.3.0" and crs == "EPSG:4326" and len(box) == 4:
        box = [box[1], box[0], box[3], box[2]]
    if len(box) != 4 or not (box[0] < box[2] and box[1] < box[3]):
        raise _RefusedError("", "bbox must hold four edges, the smaller ones first")
    if not (0 < width <= MAX_PX and 0 < height <= MAX_PX):
        raise _RefusedError("", f"width and height must lie in 1..{MAX_PX}")
    view = MapView(crs, box[0], box[1], box[2], box[3], width, height)
    if view.pixel_m > COARSEST_M:
        raise _RefusedError("", f"a pixel of {view.pixel_m:.0f} m is too coarse; at most {COARSEST_M:g} m are drawn")
    return view, kind
