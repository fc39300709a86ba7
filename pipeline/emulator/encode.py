"""Values as the JSON that getInfo and computeFeatures return."""

import math
from collections.abc import Mapping
from typing import Any

import shapely

from pipeline.emulator.coerce import kind_of
from pipeline.emulator.lattice import WGS84, Projection
from pipeline.emulator.limits import MAX_LIST_ELEMENTS
from pipeline.emulator.nodes import Band
from pipeline.emulator.pixel_types import PixelType
from pipeline.emulator.replies import RequestError
from pipeline.emulator.values import Collection, DateSpan, Element, Geo, Group, Image, Moment


def encoded(value: Any) -> Any:
    """Plain JSON of any value; RequestError for what has none, such as a filter."""
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else _finite(value)
    if isinstance(value, list):
        return [encoded(item) for item in value]
    if isinstance(value, Mapping):
        return {key: encoded(item) for key, item in value.items()}
    if isinstance(value, Collection):
        return _collection(value)
    if isinstance(value, Element):
        return _element(value)
    return _record(value)


def _finite(value: float) -> Any:
    return value if math.isfinite(value) else str(value)


def _record(value: Any) -> Any:
    if isinstance(value, Moment):
        return {"type": "Date", "value": round(value.ms)}
    if isinstance(value, DateSpan):
        return {"type": "DateRange", "dates": [encoded(value.start_ms), encoded(value.end_ms)]}
    if isinstance(value, Geo):
        return geojson(value)
    if isinstance(value, Projection):
        return {"type": "Projection", "crs": value.crs, "transform": [encoded(v) for v in value.transform]}
    if isinstance(value, PixelType):
        return _pixel_type(value)
    raise RequestError(f"An object of type {kind_of(value)} has no JSON form; compute something from it.")


def geojson(geometry: Geo) -> dict[str, Any]:
    """GeoJSON with Earth Engine's 'geodesic', and 'crs' where it is not EPSG:4326."""
    plain = _lists(shapely.geometry.mapping(geometry.shape))
    if geometry.crs != WGS84:
        plain["crs"] = {"type": "name", "properties": {"name": geometry.crs}}
    return {**plain, "geodesic": geometry.geodesic}


def planar_geojson(geometry: Geo) -> dict[str, Any]:
    """GeoJSON in EPSG:4326 with planar edges, as computeFeatures returns it."""
    return dict(_lists(shapely.geometry.mapping(geometry.lonlat)))


def _lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, tuple | list) else value


def table_row(element: Element) -> dict[str, Any]:
    """A feature of a computeFeatures answer."""
    row = {
        "type": "Feature",
        "geometry": None if element.geometry is None else planar_geojson(element.geometry),
        "properties": encoded(element.properties),
    }
    return row if element.index is None else {**row, "id": element.index}


def _element(element: Element) -> Any:
    if isinstance(element, Group):
        return encoded(element.collection)
    if isinstance(element, Image):
        return _image(element)
    geometry = None if element.geometry is None else geojson(element.geometry)
    plain = {"type": "Feature", "geometry": geometry, "properties": encoded(element.properties)}
    return plain if element.index is None else {**plain, "id": element.index}


def _image(image: Image) -> dict[str, Any]:
    plain: dict[str, Any] = {"type": "Image", "bands": [_band(band) for band in image.bands]}
    if image.asset_id is not None:
        plain["id"] = image.asset_id
    properties = dict(image.properties) | ({} if image.index is None else {"system:index": image.index})
    return {**plain, "properties": encoded(properties)} if properties else plain


def _band(band: Band) -> dict[str, Any]:
    size = {} if band.size is None else {"dimensions": list(band.size)}
    return {
        "id": band.name,
        "data_type": _pixel_type(band.pixel_type),
        **size,
        "crs": band.projection.crs,
        "crs_transform": [encoded(v) for v in band.projection.transform],
    }


def _pixel_type(kind: PixelType) -> dict[str, Any]:
    plain = {"type": "PixelType", "precision": kind.precision}
    if kind.minimum is None or kind.maximum is None:
        return plain
    return {**plain, "min": encoded(kind.minimum), "max": encoded(kind.maximum)}


def _collection(collection: Collection) -> dict[str, Any]:
    elements = collection.elements()
    if len(elements) > MAX_LIST_ELEMENTS:
        raise RequestError(f"Collection query aborted after accumulating over {MAX_LIST_ELEMENTS} elements.")
    features = [encoded(element) for element in elements]
    if collection.of_images:
        return {"type": "ImageCollection", "bands": [], "features": features}
    return {"type": "FeatureCollection", "columns": {}, "features": features}
