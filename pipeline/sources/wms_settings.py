"""What a recipe says about a Web Map Service."""

import re
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from pipeline.schema.landcover import N_OSM_CLASSES
from pipeline.schema.strict import Strict

LOSSLESS_FORMATS: Final = ("image/png", "image/png; mode=24bit")
"""Formats whose pixels come through unchanged. PNG of 8 bits is not among them: its palette is made to fit."""

_COLOUR: Final = re.compile("#[0-9a-fA-F]{6}")


class WmsSettings(Strict):
    """OSM land use from a Web Map Service (OGC 01-068r3 for version 1.1.1, 06-042 for 1.3.0)."""

    kind: Literal["wms"] = "wms"
    url: str | None = None
    """Address of the service; without it, the map service of the emulator that the build starts."""
    layer: str = Field(default="osmlanduse:osm_lulc", min_length=1)
    """Name of the layer, as the service's capabilities give it."""
    style: str = ""
    """Empty for the layer's default style."""
    version: Literal["1.1.1", "1.3.0"] = "1.3.0"
    """The version of the protocol to speak."""
    crs: Literal["EPSG:3857", "EPSG:4326"] = "EPSG:3857"
    """The coordinate system of the maps asked for; one that the service draws in itself."""
    format: str = "image/png"
    """Format of the maps; one that keeps every pixel's colour."""
    legend_format: Literal["application/json", "image/png"] | None = None
    """How the legend is asked for: with the classes' names, or as a picture, whose colours must then be
    osmlanduse.org's or stand under 'classes'. Without it, with names where the service says that it can."""
    classes: dict[str, int] = Field(default_factory=dict)
    """What names or colours ('#rrggbb') of the service's legend mean that osmlanduse.org's has not: class 1..13, or 0
    for no label."""
    oversampling: int = Field(default=2, ge=2, le=8)
    """Map pixels to a pixel of the tile, along each side."""
    colour_distance: float = Field(default=10.0, gt=0, le=40)
    """A map pixel this near to a legend's colour has its class, one farther from all is blended and has none;
    Euclidean, in 0..255 of red, green and blue."""
    max_px: int = Field(default=2048, ge=64, le=8192)
    """Longest side of one map, pixels; the service may allow less."""
    per_second: float = Field(default=1.0, gt=0, le=50)
    """Requests begun a second at most; one is under way at a time. Changes no result."""
    timeout_s: float = Field(default=60.0, gt=0)
    """For a connection, a silence and a whole answer. Changes no result."""
    attempts: int = Field(default=8, ge=1)
    """Tries of one request in all, with growing pauses between them. Changes no result."""
    cache: Path | None = None
    """Folder for the maps that arrived, so that none is asked for twice; without it, one in the run directory."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "http://emulator")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise ValueError(f"'{url}' is no address of a map service; write it like https://example.org/service")
        return url

    @field_validator("format")
    @classmethod
    def _is_lossless(cls, wanted: str) -> str:
        if wanted not in LOSSLESS_FORMATS:
            raise ValueError(
                f"maps in {wanted} may have other colours than the legend; ask for one of {', '.join(LOSSLESS_FORMATS)}"
            )
        return wanted

    @field_validator("classes")
    @classmethod
    def _are_classes(cls, classes: dict[str, int]) -> dict[str, int]:
        for name, code in classes.items():
            if not 0 <= code <= N_OSM_CLASSES:
                raise ValueError(f"'{name}' is given class {code}; expected 1 to {N_OSM_CLASSES}, or 0 for no label")
            if name.startswith("#") and not _COLOUR.fullmatch(name):
                raise ValueError(f"'{name}' is no colour; write it like #e6004d")
        return classes

    def identity(self) -> dict[str, Any]:
        """What of these settings decides the labels; the address counts, how fast it is asked does not."""
        how = {"version", "format", "max_px", "per_second", "timeout_s", "attempts", "cache"}
        return self.model_dump(mode="json", exclude=how)
