"""The legend of DFC2020, the 2020 IEEE GRSS Data Fusion Contest (Schmitt et al., doi 10.21227/rha7-m332)."""

from typing import Final

from pipeline.schema.landcover import LandCoverClass

DFC_CLASSES: Final = (
    LandCoverClass(0, "water", "#1c0dff"),
    LandCoverClass(1, "forest", "#009900"),
    LandCoverClass(2, "grassland", "#b6ff05"),
    LandCoverClass(3, "wetlands", "#27ff87"),
    LandCoverClass(4, "croplands", "#c24f44"),
    LandCoverClass(5, "shrubland", "#c6b044"),
    LandCoverClass(6, "urban and built-up", "#a5a5a5"),
    LandCoverClass(7, "barren", "#f9ffa4"),
)
"""The eight classes that the contest's labels hold, in the contest's colours, numbered like the classes of Dynamic
World that they come nearest to (CromSS does so too), so that a head pretrained on the one fits the other."""

DFC_FILE_CODES: Final = {10: 0, 1: 1, 4: 2, 5: 3, 6: 4, 2: 5, 7: 6, 9: 7}
"""Code in the contest's files -> class: the simplified IGBP legend of ten classes, of which savanna (3) and snow and
ice (8) do not come in the labels."""
