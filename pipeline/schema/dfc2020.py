"""The legend of DFC2020, the 2020 IEEE GRSS Data Fusion Contest (Schmitt et al., doi 10.21227/rha7-m332)."""

from typing import Final

from pipeline.schema.landcover import LandCoverClass

DFC_CLASSES: Final = (
    LandCoverClass(0, "forest", "#009900"),
    LandCoverClass(1, "shrubland", "#c6b044"),
    LandCoverClass(2, "grassland", "#b6ff05"),
    LandCoverClass(3, "wetlands", "#27ff87"),
    LandCoverClass(4, "croplands", "#c24f44"),
    LandCoverClass(5, "urban and built-up", "#a5a5a5"),
    LandCoverClass(6, "barren", "#f9ffa4"),
    LandCoverClass(7, "water", "#1c0dff"),
)
"""The eight classes that the contest's labels hold, numbered without gaps, in the colours of the contest."""

DFC_FILE_CODES: Final = (1, 2, 4, 5, 6, 7, 9, 10)
"""What the files of the contest hold for each: the simplified IGBP legend of ten classes, of which savanna (3) and
snow and ice (8) do not come in the labels."""
