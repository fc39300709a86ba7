"""The three compute endpoints as pure functions of a request's body and the world."""

import json
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final

from pipeline.emulator.calls import check_calls
from pipeline.emulator.coerce import Misfit, collection_of
from pipeline.emulator.encode import encoded, table_row
from pipeline.emulator.functions import served_functions
from pipeline.emulator.graph import Evaluator
from pipeline.emulator.limits import MAX_PAGE_SIZE, MemoryLimit
from pipeline.emulator.pixels import pixel_job, render_job
from pipeline.emulator.replies import Reply, RequestError, error_reply, json_reply
from pipeline.emulator.scene import World

COMPUTE_VALUE: Final = "value:compute"
COMPUTE_FEATURES: Final = "table:computeFeatures"
COMPUTE_PIXELS: Final = "image:computePixels"


def _evaluated(body: Mapping[str, Any], world: World) -> Any:
    expression = body.get("expression")
    check_calls(expression, served_functions())
    return Evaluator(expression, world).run()


def compute_value(body: Mapping[str, Any], world: World, _memory: MemoryLimit) -> Reply:
    """Any value, as getInfo returns it."""
    return json_reply({"result": encoded(_evaluated(body, world))})


def compute_features(body: Mapping[str, Any], world: World, _memory: MemoryLimit) -> Reply:
    """A page of a table; the token is the number of features before the next page."""
    try:
        rows = collection_of(_evaluated(body, world)).elements()
    except Misfit:
        raise RequestError("computeFeatures: the expression must compute a FeatureCollection.") from None
    token = str(body.get("pageToken") or "0")
    if not token.isdigit():
        raise RequestError(f"computeFeatures: the page token '{token}' is not one of ours.")
    size = min(int(body.get("pageSize") or MAX_PAGE_SIZE), MAX_PAGE_SIZE)
    if size < 1:
        raise RequestError(f"computeFeatures: the page size {size} must be positive.")
    start = int(token)
    page: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": [table_row(row) for row in rows[start : start + size]],
    }
    return json_reply(page if start + size >= len(rows) else {**page, "nextPageToken": str(start + size)})


def compute_pixels(body: Mapping[str, Any], world: World, memory: MemoryLimit) -> Reply:
    """Pixels of an image."""
    return render_job(pixel_job(_evaluated(body, world), body, memory), world)


ENDPOINTS: Final[Mapping[str, Callable[[Mapping[str, Any], World, MemoryLimit], Reply]]] = {
    COMPUTE_VALUE: compute_value,
    COMPUTE_FEATURES: compute_features,
    COMPUTE_PIXELS: compute_pixels,
}


def answer(endpoint: str, body: bytes, world: World, memory: MemoryLimit | None = None) -> Reply:
    """Answer one compute request; anything that Earth Engine would refuse gets a 400.

    A defect of the emulator itself is answered 500 and its traceback goes to standard error.
    """
    try:
        parsed = json.loads(body)
        if not isinstance(parsed, dict):
            raise RequestError("The request's body must be a JSON object.")
        return ENDPOINTS[endpoint](parsed, world, memory or MemoryLimit())
    except RequestError as error:
        return error_reply(error.status, error.message)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        return error_reply(400, f"Invalid JSON payload received. {error}")
    except Exception as error:  # noqa: BLE001 - the boundary: a defect must reach the caller as an answer
        traceback.print_exc(file=sys.stderr)
        return error_reply(500, f"defect of the emulator: {type(error).__name__}: {error}")
