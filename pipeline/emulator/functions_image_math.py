"""Arithmetic of images, ImageCollection.mosaic and .toBands."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from pipeline.emulator.functions_images import paired
from pipeline.emulator.limits import MAX_TO_BANDS
from pipeline.emulator.nodes import Band, Elementwise, Mosaic
from pipeline.emulator.pixel_types import DOUBLE, UINT8, PixelType, union_type
from pipeline.emulator.registry import serves
from pipeline.emulator.replies import RequestError
from pipeline.emulator.values import Collection, Image

_LOGICAL: Final[Mapping[str, Callable[..., Any]]] = {
    "eq": np.equal,
    "neq": np.not_equal,
    "lt": np.less,
    "lte": np.less_equal,
    "gt": np.greater,
    "gte": np.greater_equal,
    "and": np.logical_and,
    "or": np.logical_or,
}
_ARITHMETIC: Final[Mapping[str, Callable[..., Any]]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "min": np.minimum,
    "max": np.maximum,
}


def _divide(a: Any, b: Any) -> Any:
    """0 where the divisor is 0, as Image.divide has it."""
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=b != 0)


def _double(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: function(*(np.asarray(v, np.float64) for v in values))


def _binary(name: str, function: Callable[..., Any], kind: PixelType) -> None:
    @serves(f"Image.{name}")
    def compute(one: Image, two: Image) -> Image:
        swap = len(one.bands) == 1 < len(two.bands)
        pairs = [(b, a) for a, b in paired(two, one, f"Image.{name}")] if swap else paired(one, two, f"Image.{name}")
        named = two.bands if swap else one.bands
        bands = [
            dataclasses.replace(band, node=Elementwise((a.node, b.node), _double(function)), pixel_type=kind)
            for band, (a, b) in zip(named, pairs, strict=True)
        ]
        return one.with_bands(bands)


for _name, _function in _LOGICAL.items():
    _binary(_name, _function, UINT8)
for _name, _function in _ARITHMETIC.items():
    _binary(_name, _function, DOUBLE)
_binary("divide", _divide, DOUBLE)


@serves("Image.not")
def negated(image: Image) -> Image:
    """1 where the value is 0."""
    function = _double(np.logical_not)
    return image.with_bands(
        [dataclasses.replace(b, node=Elementwise((b.node,), function), pixel_type=UINT8) for b in image.bands]
    )


@serves("Image.round")
def rounded(image: Image) -> Image:
    """The nearest integer; a half goes up, which the service does not document."""
    function = _double(lambda values: np.floor(values + 0.5))
    bands = [dataclasses.replace(b, node=Elementwise((b.node,), function), pixel_type=DOUBLE) for b in image.bands]
    return image.with_bands(bands)


def _images(collection: Collection, function: str) -> list[Image]:
    images = [e for e in collection.elements() if isinstance(e, Image)]
    if not images:
        raise RequestError(f"{function}: the collection is empty.")
    return images


@serves("ImageCollection.toBands")
def to_bands(collection: Collection) -> Image:
    """All bands of all images, named index_band; the projections stay."""
    bands = [
        dataclasses.replace(band, name=f"{image.index}_{band.name}")
        for image in _images(collection, "ImageCollection.toBands")
        for band in image.bands
    ]
    if len(bands) > MAX_TO_BANDS:
        raise RequestError(f"ImageCollection.toBands: {len(bands)} bands are more than {MAX_TO_BANDS}.")
    return Image(bands=tuple(bands))


@serves("ImageCollection.mosaic")
def mosaic(collection: Collection) -> Image:
    """The last image on top; bands are those of the first image, and a composite has no projection of its own."""
    images = _images(collection, "ImageCollection.mosaic")
    layers = {b.name: [c for i in images for c in i.bands if c.name == b.name] for b in images[0].bands}
    bands = []
    for name, stack in layers.items():
        kind = stack[0].pixel_type
        for layer in stack[1:]:
            kind = union_type(kind, layer.pixel_type)
        bands.append(Band(name, Mosaic(tuple(layer.node for layer in stack)), kind))
    return Image(bands=tuple(bands))
