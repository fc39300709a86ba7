"""What can be shown of a sample: layers of one picture a season, and the legends that explain their colours."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.report import picture
from pipeline.schema.bands import Scaling
from pipeline.schema.landcover import LandCoverClass
from pipeline.tile_arrays import LEGENDS

TITLES: Final = {"dw": "Dynamic World classes", "osm": "OpenStreetMap classes", "dfc": "DFC2020 classes"}


@dataclass(frozen=True)
class Legend:
    """Colours and what they stand for."""

    name: str
    title: str
    entries: tuple[tuple[str, str], ...] = ()
    """(colour, words)."""
    ramp: tuple[str, ...] = ()
    """Colours from 0 to 1, instead of entries."""


@dataclass(frozen=True)
class Layer:
    """One way to look at a sample."""

    key: str
    """Short, unique in a sample."""
    name: str
    note: str
    """How to read it."""
    pictures: tuple[str, ...]
    """A data URI a season."""
    legend: str = ""
    """Name of its legend; empty for images."""


def _hexadecimal(rgb: tuple[int, ...]) -> str:
    return f"#{bytes(rgb).hex()}"


def class_legend(name: str, classes: Sequence[LandCoverClass], title: str) -> Legend:
    """The legend of class maps."""
    entries = [(c.colour, f"{c.code} {c.name}") for c in classes]
    return Legend(name, title, (*entries, (_hexadecimal(picture.NO_LABEL_RGB), "no label")))


ERRORS: Final = Legend(
    "errors",
    "Label errors",
    (
        (_hexadecimal(picture.RIGHT_RGB), "label is right"),
        (_hexadecimal(picture.WRONG_RGB), "label is wrong"),
        (_hexadecimal(picture.NO_LABEL_RGB), "no label"),
    ),
)

CONFIDENCE: Final = Legend("confidence", "Confidence", ramp=picture.WEIGHT_RAMP)

ALL_LEGENDS: Final = (
    *(class_legend(name, classes, TITLES[name]) for name, classes in LEGENDS.items()),
    ERRORS,
    CONFIDENCE,
)


def image_layers(
    s2_SBHW: NDArray[np.uint8], s1_SBHW: NDArray[np.uint8], s2_scaling: Scaling, s1_scaling: Scaling
) -> list[Layer]:
    """Sentinel-2 twice and Sentinel-1, of bytes (seasons, 13 or 9, height, width) and (seasons, 2, height, width)."""
    return [
        Layer("true", "S2 true colour", "red B4, green B3, blue B2", tuple(picture.true_colour(s2_SBHW, s2_scaling))),
        Layer("infrared", "S2 infrared", "red B8, green B4, blue B3", tuple(picture.infrared(s2_SBHW, s2_scaling))),
        Layer("radar", "S1", "red VV, green VH, blue VV − VH", tuple(picture.false_colour(s1_SBHW, s1_scaling))),
    ]


def class_layer(key: str, name: str, label_SHW: NDArray[np.uint8], legend: str) -> Layer:
    """A class map a season; `legend` names one of ALL_LEGENDS."""
    classes = LEGENDS[legend]  # type: ignore[index]
    return Layer(key, name, "", tuple(picture.classes(label_HW, classes) for label_HW in label_SHW), legend)


def error_layer(label_SHW: NDArray[np.uint8], truth_SHW: NDArray[np.uint8]) -> Layer:
    """Where the labels differ from the truth."""
    pairs = zip(label_SHW, truth_SHW, strict=True)
    return Layer("errors", "Label errors", "", tuple(picture.errors(*pair) for pair in pairs), ERRORS.name)


def confidence_layer(key: str, name: str, level_SHW: NDArray[np.uint8]) -> Layer:
    """How sure the labels are, from levels 0..255 that stand for 0..1."""
    shares = level_SHW.astype(np.float32) / 255.0
    return Layer(key, name, "", tuple(picture.weights(share_HW) for share_HW in shares), CONFIDENCE.name)


def used_legends(layers: Sequence[Layer]) -> tuple[Legend, ...]:
    """The legends that these layers need, in one order."""
    names = {layer.legend for layer in layers}
    return tuple(legend for legend in ALL_LEGENDS if legend.name in names)
