"""Image.*: bands, types, masks and projections; Projection.*."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.emulator.coerce import Misfit, constant_image
from pipeline.emulator.lattice import IDENTITY, Projection, parsed_crs
from pipeline.emulator.nodes import Band, Cast, Constant, MaskOf, Regrid, Unmask, UpdateMask
from pipeline.emulator.pixel_types import FLOAT, NAMED, PixelType, union_type
from pipeline.emulator.registry import serves
from pipeline.emulator.replies import RequestError
from pipeline.emulator.scene import World
from pipeline.emulator.scenes import image_of
from pipeline.emulator.values import Image


@serves("Image.load", wants_world=True)
def load(world: World, asset_id: str, _version: int | None) -> Image:
    """The scene of that id."""
    scene = world.scene(asset_id)
    if scene is None:
        raise RequestError(
            f"Image.load: Image asset '{asset_id}' not found (does not exist or caller does not have access)."
        )
    return image_of(scene)


@serves("Image.constant")
def constant(value: Any) -> Image:
    """The same value everywhere."""
    try:
        return constant_image(value)
    except Misfit:
        raise RequestError("Image.constant: the value must be a number or a list of numbers.") from None


@serves("Image.bandNames")
def band_names(image: Image) -> list[str]:
    """The names in order."""
    return [band.name for band in image.bands]


@serves("Image.bandTypes")
def band_types(image: Image) -> dict[str, PixelType]:
    """The type of each band."""
    return {band.name: band.pixel_type for band in image.bands}


@serves("Image.select")
def select(image: Image, selectors: list[Any], names: list[str] | None) -> Image:
    """Bands by name, regular expression or index, renamed where names are given; repeats get a suffix."""
    chosen = [band for selector in selectors for band in _selected(image, selector)]
    if names is not None:
        return _renamed(image, chosen, names, "Image.select")
    bands: dict[str, Band] = {}
    for band in chosen:
        name = _free_name(band.name, bands)
        bands[name] = dataclasses.replace(band, name=name)
    return image.with_bands(list(bands.values()))


def _selected(image: Image, selector: Any) -> list[Band]:
    if isinstance(selector, int | float):
        if not -len(image.bands) <= selector < len(image.bands):
            raise RequestError(f"Image.select: Band number {selector} is out of range 0..{len(image.bands) - 1}.")
        return [image.bands[int(selector)]]
    named = [band for band in image.bands if band.name == selector]
    hits = named or [band for band in image.bands if re.fullmatch(str(selector), band.name)]
    if not hits:
        known = ", ".join(band_names(image))
        raise RequestError(
            f"Image.select: Band pattern '{selector}' did not match any bands. Available bands: [{known}]"
        )
    return hits


def _renamed(image: Image, bands: Sequence[Band], names: Sequence[str], function: str) -> Image:
    if len(bands) != len(names):
        raise RequestError(f"{function}: the number of names ({len(names)}) must match that of bands ({len(bands)}).")
    if len(set(names)) != len(names):
        raise RequestError(f"{function}: a band name is given twice.")
    return image.with_bands([dataclasses.replace(b, name=n) for b, n in zip(bands, names, strict=True)])


@serves("Image.rename")
def rename(image: Image, names: list[str]) -> Image:
    """The same bands under other names."""
    return _renamed(image, image.bands, names, "Image.rename")


@serves("Image.slice")
def slice_(image: Image, start: int, end: int | None) -> Image:
    """Bands by position."""
    return image.with_bands(image.bands[start:end])


@serves("Image.addBands")
def add_bands(image: Image, source: Image, names: list[str] | None, overwrite: bool) -> Image:
    """The bands of two images; clashing names are overwritten or get a suffix."""
    added = source.bands if names is None else select(source, list(names), None).bands
    bands = {band.name: band for band in image.bands}
    for band in added:
        name = band.name if overwrite else _free_name(band.name, bands)
        bands[name] = dataclasses.replace(band, name=name)
    return image.with_bands(list(bands.values()))


def _free_name(name: str, taken: Mapping[str, Any]) -> str:
    candidate, suffix = name, 0
    while candidate in taken:
        suffix += 1
        candidate = f"{name}_{suffix}"
    return candidate


def _cast(band: Band, target: PixelType) -> Band:
    return dataclasses.replace(band, node=Cast((band.node,), target), pixel_type=target)


def _cast_all(kind: PixelType) -> Any:
    return lambda image: image.with_bands([_cast(band, kind) for band in image.bands])


for _name, _kind in NAMED.items():
    serves(f"Image.{_name}", f"Image.to{_name.capitalize()}")(_cast_all(_kind))


@serves("Image.cast")
def cast(image: Image, types: dict[str, Any], order: list[str] | None) -> Image:
    """Some bands cast; bands that are not there are added, all masked."""
    targets = {name: _named_type(kind) for name, kind in types.items()}
    bands = {b.name: _cast(b, targets[b.name]) if b.name in targets else b for b in image.bands}
    for name, target in targets.items():
        bands.setdefault(name, Band(name, Constant(0.0, valid=False), target))
    if order is not None and sorted(order) != sorted(bands):
        raise RequestError(f"Image.cast: 'bandOrder' must name exactly the bands {', '.join(bands)}.")
    return image.with_bands([bands[name] for name in (order or bands)])


def _named_type(kind: Any) -> PixelType:
    if isinstance(kind, PixelType):
        return kind
    if kind not in NAMED:
        raise RequestError(f"Image.cast: the type '{kind}' is unknown; it is one of {', '.join(NAMED)}.")
    return NAMED[kind]


def paired(image: Image, other: Image, function: str) -> list[tuple[Band, Band]]:
    """Each band with its counterpart: the only band of the other image, or the one in the same place."""
    if len(other.bands) == 1:
        return [(band, other.bands[0]) for band in image.bands]
    if len(other.bands) != len(image.bands):
        raise RequestError(f"{function}: images of {len(image.bands)} and {len(other.bands)} bands do not pair.")
    return list(zip(image.bands, other.bands, strict=True))


@serves("Image.unmask")
def unmask(image: Image, value: Image | None, same_footprint: bool) -> Image:
    """Masked pixels filled; within the image's footprint only where `same_footprint`."""
    fill = constant_image(0) if value is None else value
    keep = same_footprint and image.geometry is not None
    footprint = image.geometry.lonlat if keep and image.geometry is not None else None
    bands = [
        dataclasses.replace(
            band,
            node=Unmask((band.node, filler.node), footprint),
            pixel_type=union_type(band.pixel_type, filler.pixel_type),
        )
        for band, filler in paired(image, fill, "Image.unmask")
    ]
    filled = image.with_bands(bands)
    return filled if keep else dataclasses.replace(filled, geometry=fill.geometry)


@serves("Image.updateMask")
def update_mask(image: Image, mask: Image) -> Image:
    """Masked also where the mask is zero."""
    bands = [
        dataclasses.replace(band, node=UpdateMask((band.node, cover.node)))
        for band, cover in paired(image, mask, "Image.updateMask")
    ]
    return image.with_bands(bands)


@serves("Image.mask")
def mask(image: Image, cover: Image | None) -> Image:
    """The mask as an image; with a mask given, the image under that mask too."""
    if cover is not None:
        return update_mask(image, cover)
    return image.with_bands([dataclasses.replace(b, node=MaskOf((b.node,)), pixel_type=FLOAT) for b in image.bands])


@serves("Image.resample")
def resample(image: Image, mode: str) -> Image:
    """Interpolated from its native lattice. The pixel type stays (that of the real service is unverified)."""
    if mode != "bilinear":
        raise RequestError(f"Image.resample: the mode '{mode}' is not served by this emulator; it serves bilinear.")
    for band in image.bands:
        if band.composite and not isinstance(band.node, Constant):
            raise RequestError(
                f"Image.resample: band '{band.name}' is a composite without a meaningful projection; "
                "resample the images that it is made of."
            )
    return image.with_bands(
        [dataclasses.replace(b, node=Regrid(b.node, b.projection, "bilinear")) for b in image.bands]
    )


def _chosen(crs: Projection, transform: list[float] | None, scale: float | None, function: str) -> Projection:
    if transform is not None and scale is not None:
        raise RequestError(f"{function}: give 'crsTransform' or 'scale', not both.")
    if transform is not None:
        return Projection(crs.crs, tuple(transform))
    return crs if scale is None else crs.at_scale(scale)


@serves("Image.reproject")
def reproject(image: Image, crs: Projection, transform: list[float] | None, scale: float | None) -> Image:
    """Computed on a given lattice, whatever lattice is asked for later."""
    lattice = _chosen(crs, transform, scale, "Image.reproject")
    return image.with_bands(
        [
            dataclasses.replace(b, node=Regrid(b.node, lattice, "nearest"), projection=lattice, size=None)
            for b in image.bands
        ]
    )


@serves("Image.setDefaultProjection")
def set_default_projection(image: Image, crs: Projection, transform: list[float] | None, scale: float | None) -> Image:
    """With another default projection."""
    lattice = _chosen(crs, transform, scale, "Image.setDefaultProjection")
    return image.with_bands([dataclasses.replace(b, projection=lattice, size=None) for b in image.bands])


@serves("Image.projection")
def projection(image: Image) -> Projection:
    """The projection that all bands share."""
    found = {band.projection for band in image.bands}
    if len(found) != 1:
        raise RequestError(
            "Image.projection: The bands of the specified image contains different projections. "
            "Use Image.select to select bands of one projection."
        )
    return found.pop()


@serves("Projection")
def make_projection(crs: Any, transform: list[Any] | None, wkt: str | None) -> Projection:
    """A coordinate system with a lattice."""
    if wkt is not None:
        raise RequestError("Projection: 'transformWkt' is not served by this emulator; use 'transform'.")
    base = crs.crs if isinstance(crs, Projection) else str(crs)
    parsed_crs(base)
    if transform is not None and len(transform) != 6:
        raise RequestError(f"Projection: the transform has {len(transform)} numbers; it needs 6.")
    return Projection(base, IDENTITY if transform is None else tuple(float(v) for v in transform))


@serves("Projection.atScale")
def at_scale(lattice: Projection, metres: float) -> Projection:
    """With pixels of that size."""
    return lattice.at_scale(metres)


@serves("Projection.scale")
def scale(lattice: Projection, x: float, y: float) -> Projection:
    """With pixels x and y times as large."""
    return lattice.scaled(x, y)


@serves("Projection.nominalScale")
def nominal_scale(lattice: Projection) -> float:
    """Metres a pixel."""
    return lattice.nominal_scale_m


@serves("Projection.crs")
def crs_code(lattice: Projection) -> str:
    """The authority code."""
    return lattice.crs
