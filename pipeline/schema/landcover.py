"""Land-cover legends. Class numbers are part of the stores and never change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

IGNORE: Final = 255
"""A pixel without a label: masked cloud, outside the scene, or dropped. Never a class."""


@dataclass(frozen=True)
class LandCoverClass:
    """One class of a legend."""

    code: int
    name: str
    colour: str
    """Display colour, #rrggbb."""


DW_CLASSES: Final = (
    LandCoverClass(0, "water", "#419bdf"),
    LandCoverClass(1, "trees", "#397d49"),
    LandCoverClass(2, "grass", "#88b053"),
    LandCoverClass(3, "flooded vegetation", "#7a87c6"),
    LandCoverClass(4, "crops", "#e49635"),
    LandCoverClass(5, "shrub & scrub", "#dfc35a"),
    LandCoverClass(6, "built area", "#c4281b"),
    LandCoverClass(7, "bare ground", "#a59b8f"),
    LandCoverClass(8, "snow & ice", "#b39fe1"),
)
"""Dynamic World V1 (Brown et al. 2022, doi 10.1038/s41597-022-01307-4), with its published palette."""

N_DW_CLASSES: Final = len(DW_CLASSES)

OSM_CLASSES: Final = (
    LandCoverClass(1, "urban fabric", "#e6004d"),
    LandCoverClass(2, "industrial, commercial and transport units", "#cc4df2"),
    LandCoverClass(3, "arable land", "#ffffa8"),
    LandCoverClass(4, "artificial, non-agricultural vegetated areas", "#ffa6ff"),
    LandCoverClass(5, "forests", "#4dff00"),
    LandCoverClass(6, "mine, dump and construction sites", "#a600cc"),
    LandCoverClass(7, "water bodies", "#00ccf2"),
    LandCoverClass(8, "open spaces with little or no vegetation", "#e6e6e6"),
    LandCoverClass(9, "pastures", "#e6e64d"),
    LandCoverClass(10, "shrub and/or herbaceous vegetation associations", "#ccf24d"),
    LandCoverClass(11, "permanent crops", "#e68000"),
    LandCoverClass(12, "inland wetlands", "#a6a6ff"),
    LandCoverClass(13, "coastal wetlands", "#e6e6ff"),
)
"""OSM land use in the 13 classes of osmlanduse.org: level 2 of CORINE without its heterogeneous classes (Schultz et al.
2017, doi 10.1016/j.jag.2017.07.014), in the colours of that service's legend, which are CORINE's. The numbers are
those of NoLDO-S12 (CromSS paper, Table I), 0 in its files meaning no label."""

N_OSM_CLASSES: Final = len(OSM_CLASSES)

_WATER, _TREES, _GRASS, _FLOODED, _CROPS, _SHRUB, _BUILT, _BARE, _SNOW = range(N_DW_CLASSES)

OSM_ADMITS: Final[Mapping[int, frozenset[int]]] = {
    1: frozenset({_BUILT}),
    2: frozenset({_BUILT}),
    3: frozenset({_CROPS}),
    4: frozenset({_TREES, _GRASS}),
    5: frozenset({_TREES}),
    6: frozenset({_BARE}),
    7: frozenset({_WATER}),
    8: frozenset({_BARE, _SNOW}),
    9: frozenset({_GRASS}),
    10: frozenset({_GRASS, _SHRUB}),
    11: frozenset({_TREES, _CROPS}),
    12: frozenset({_FLOODED}),
    13: frozenset({_WATER, _FLOODED}),
}
"""Per OSM land-use class, the Dynamic World classes that do not contradict it (NoLDO-S12, agreement check of
SSL4EO-S12@OSM): many to many, because land use and land cover are not the same question."""
