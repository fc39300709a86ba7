"""What the downstream data sets are, in words: label source, what the labels mean, whose they are."""

from dataclasses import dataclass
from typing import Final

from pipeline.manifest.card import REAL_TERMS
from pipeline.manifest.described import Kind


@dataclass(frozen=True)
class TileSet:
    """One downstream data set."""

    kind: Kind
    title: str
    label_source: str
    """The index's column of that name."""
    labels: str
    """What the labels are, a sentence or two for the card."""
    terms: str
    """Who owns what, for the card."""


_SENTINEL: Final = REAL_TERMS.partition(". ")[0] + "."

_EXPERTS: Final = (
    "Expert labels: Dynamic World training data (Tait et al. 2021, PANGAEA, doi 10.1594/PANGAEA.933475, and the "
    "hold-out tiles, Zenodo record 4766508), licensed CC BY 4.0: produced for the Dynamic World Project by Google in "
    "partnership with National Geographic Society and the World Resources Institute."
)

DW_SET: Final = TileSet(
    kind="dw",
    title="SSL4EO-S12@DW: Sentinel-1, Sentinel-2 and expert Dynamic World labels",
    label_source="dynamic_world_experts",
    labels="`dw` was marked by experts on the Sentinel-2 scene of the day in the tile's id. They left ambiguous ground "
    "unmarked: that, and cloud, is no label. No label was resampled.",
    terms=f"{_SENTINEL} {_EXPERTS}",
)

OSM_SET: Final = TileSet(
    kind="osm",
    title="SSL4EO-S12@OSM: Sentinel-1, Sentinel-2 and OpenStreetMap land use",
    label_source="openstreetmap",
    labels="`osm` is OpenStreetMap's land use in the 13 classes of osmlanduse.org, on tiles where it does not "
    "contradict the experts' labels, `dw`. Land use is what ground is for, not what covers it; the map is undated.",
    terms=f"{_SENTINEL} Land use: (c) OpenStreetMap contributors, Open Database License (ODbL) 1.0, classified by "
    f"osmlanduse.org; a database derived from it is to keep that license. {_EXPERTS}",
)

DFC_SET: Final = TileSet(
    kind="dfc2020",
    title="DFC2020: Sentinel-1, Sentinel-2 and land cover in 8 classes",
    label_source="dfc2020",
    labels="`dfc` is the dense, semi-manual land cover of the 2020 IEEE GRSS Data Fusion Contest. Its 986 validation "
    "patches are the training split here, its 5,128 test patches the test split, as in CromSS.",
    terms=f"{_SENTINEL} Labels: M. Schmitt, L. Hughes, P. Ghamisi, N. Yokoya, R. Haensch, 2020 IEEE GRSS Data Fusion "
    "Contest (IEEE DataPort, doi 10.21227/rha7-m332), under the terms stated there.",
)
