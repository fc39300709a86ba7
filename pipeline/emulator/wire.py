"""The two documents that the client asks for before its first call, as the client's own wheel ships them."""

import functools
import importlib.util
import json
from pathlib import Path
from typing import Any, Final

from pipeline.schema.errors import NoldoError

PUBLIC_URL: Final = "https://earthengine.googleapis.com/"
"""Root in the shipped discovery document, replaced by the emulator's own."""


def _shipped(name: str) -> str:
    """A file of ee/tests, found without importing ee, which would cost a second and leave global state."""
    spec = importlib.util.find_spec("ee")
    folders = [] if spec is None else list(spec.submodule_search_locations or [])
    path = Path(folders[0], "tests", name) if folders else None
    if path is None or not path.is_file():
        raise NoldoError(f"the emulator needs ee/tests/{name} of the earthengine-api wheel; install earthengine-api")
    return path.read_text(encoding="utf-8")


@functools.cache
def algorithms_document() -> bytes:
    """Answer of GET /v1/projects/P/algorithms: every public function with its arguments."""
    return _shipped("algorithms.json").encode()


@functools.cache
def algorithms() -> tuple[dict[str, Any], ...]:
    """The entries of the algorithms document."""
    return tuple(json.loads(algorithms_document())["algorithms"])


def discovery_document(url: str) -> bytes:
    """Answer of GET /$discovery/rest: version v1, pointing at `url` (no trailing slash)."""
    text = _shipped("cloud_api_discovery_document.json")
    return text.replace("v1alpha", "v1").replace(PUBLIC_URL, url + "/").encode()
