"""The downstream data sets as the pipeline names them; what they are in words is in documents/kinds.py."""

from dataclasses import dataclass
from typing import Final

from pipeline.manifest.described import Kind


@dataclass(frozen=True)
class TileSet:
    """One downstream data set."""

    kind: Kind
    label_source: str
    """The index's column of that name."""


DW_SET: Final = TileSet(kind="dw", label_source="dynamic_world_experts")
OSM_SET: Final = TileSet(kind="osm", label_source="openstreetmap")
DFC_SET: Final = TileSet(kind="dfc2020", label_source="dfc2020")
