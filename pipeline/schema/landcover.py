"""Land-cover legends. Class numbers are part of the stores and never change."""

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
