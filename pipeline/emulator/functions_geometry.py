"""GeometryConstructors.* and Geometry.*: shapes in degrees or in a given projection."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import shapely
from pyproj import Geod
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from pipeline.emulator.coerce import Misfit, geometry_of
from pipeline.emulator.encode import geojson
from pipeline.emulator.lattice import WGS84, Projection
from pipeline.emulator.registry import serves
from pipeline.emulator.replies import RequestError
from pipeline.emulator.values import Element, Geo
from pipeline.schema.grid import utm_epsg

_ELLIPSOID = Geod(ellps="WGS84")


def box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """A rectangle, counter-clockwise from its lower left corner, as Earth Engine lists them."""
    return shapely.Polygon([(west, south), (east, south), (east, north), (west, north)])


def _points(coordinates: Any) -> list[tuple[float, float]]:
    """Pairs out of [[x, y], ...], [x, y, x, y, ...] or a list of Points."""
    flat = list(coordinates)
    if flat and all(isinstance(v, int | float) for v in flat):
        return list(zip(flat[::2], flat[1::2], strict=True))
    return [(p.shape.x, p.shape.y) if isinstance(p, Geo) else (float(p[0]), float(p[1])) for p in flat]


def _rings(coordinates: Any) -> list[list[tuple[float, float]]]:
    """Rings out of a list of rings, or of one simple ring."""
    items = list(coordinates)
    if items and isinstance(items[0], Geo) and items[0].shape.geom_type in ("LinearRing", "LineString"):
        return [list(ring.shape.coords) for ring in items]
    if items and isinstance(items[0], list) and items[0] and isinstance(items[0][0], list | Geo):
        return [_points(ring) for ring in items]
    return [_points(items)]


def _polygon(coordinates: Any) -> BaseGeometry:
    rings = _rings(coordinates)
    return shapely.Polygon(rings[0], rings[1:])


def _rectangle(coordinates: Any) -> BaseGeometry:
    (x0, y0), (x1, y1) = _points(coordinates)
    return box(x0, y0, x1, y1)


def _constructor(name: str, build: Callable[[Any], BaseGeometry]) -> None:
    @serves(f"GeometryConstructors.{name}")
    def construct(coordinates: Any, crs: Projection | None = None, geodesic: Any = None, *_: Any) -> Geo:
        try:
            shape = build(coordinates)
        except (ShapelyError, ValueError, TypeError, IndexError) as error:
            raise RequestError(f"GeometryConstructors.{name}: Invalid GeoJson geometry ({error}).") from None
        own = WGS84 if crs is None else crs.crs
        bent = geodesic if isinstance(geodesic, bool) else own == WGS84
        return Geo(shape, own, bent)


_constructor("Point", lambda c: shapely.Point(*_points([c] if isinstance(c[0], int | float) else c)[0]))
_constructor("MultiPoint", lambda c: shapely.MultiPoint(_points(c)))
_constructor("LineString", lambda c: shapely.LineString(_points(c)))
_constructor("LinearRing", lambda c: shapely.LinearRing(_points(c)))
_constructor("MultiLineString", lambda c: shapely.MultiLineString([_points(line) for line in c]))
_constructor("Polygon", _polygon)
_constructor("MultiPolygon", lambda c: shapely.MultiPolygon([_polygon(p) for p in c]))
_constructor("Rectangle", _rectangle)


@serves("GeometryConstructors.BBox")
def bbox(west: float, south: float, east: float, north: float) -> Geo:
    """A planar box in degrees."""
    return Geo(box(west, max(south, -90.0), east, min(north, 90.0)), WGS84, geodesic=False)


@serves("GeometryConstructors.MultiGeometry")
def multi_geometry(geometries: list[Geo], _crs: Any, _geodesic: Any, _max_error: Any) -> Geo:
    """A collection of geometries, in degrees."""
    return Geo(shapely.GeometryCollection([g.lonlat for g in geometries]))


def _local(geometry: Geo) -> Geo:
    """The geometry in the UTM zone of its centroid, for metres."""
    centre = geometry.lonlat.centroid
    return geometry.to(f"EPSG:{utm_epsg(centre.x, centre.y)}")


def _in(proj: Projection | None, geometry: Geo) -> Geo:
    return geometry.to(WGS84 if proj is None else proj.crs)


def _buffer(geometry: Geo, distance: float, proj: Projection | None) -> Geo:
    """In metres of the local UTM zone, or in the units of a projection."""
    local = _local(geometry) if proj is None else geometry.to(proj.crs)
    grown = Geo(local.shape.buffer(distance, quad_segs=16), local.crs, geodesic=False)
    return grown.to(WGS84) if proj is None else grown


def _bounds(geometry: Geo, proj: Projection | None) -> Geo:
    """The bounding box in a projection, by default in degrees."""
    moved = _in(proj, geometry)
    return Geo(box(*moved.shape.bounds), moved.crs, geodesic=False)


def _centroid(geometry: Geo, proj: Projection | None) -> Geo:
    moved = _in(proj, geometry)
    return Geo(moved.shape.centroid, moved.crs, moved.geodesic)


@serves("Geometry.buffer")
def buffer(geometry: Geo, distance: float, _max_error: Any, proj: Projection | None) -> Geo:
    """All points within a distance."""
    return _buffer(geometry, distance, proj)


@serves("Feature.buffer")
def feature_buffer(feature: Element, distance: float, _max_error: Any, proj: Projection | None) -> Element:
    """The feature with its geometry buffered."""
    return _with_geometry(feature, _buffer(_geometry(feature), distance, proj))


@serves("Geometry.bounds")
def bounds(geometry: Geo, _max_error: Any, proj: Projection | None) -> Geo:
    """The bounding box."""
    return _bounds(geometry, proj)


@serves("Feature.bounds")
def feature_bounds(feature: Element, _max_error: Any, proj: Projection | None) -> Element:
    """The feature with its geometry's bounding box."""
    return _with_geometry(feature, _bounds(_geometry(feature), proj))


@serves("Geometry.centroid")
def centroid(geometry: Geo, _max_error: Any, proj: Projection | None) -> Geo:
    """The centre of gravity."""
    return _centroid(geometry, proj)


@serves("Feature.centroid")
def feature_centroid(feature: Element, _max_error: Any, proj: Projection | None) -> Element:
    """The feature with its geometry's centre of gravity."""
    return _with_geometry(feature, _centroid(_geometry(feature), proj))


@serves("Geometry.transform")
def transform(geometry: Geo, proj: Projection, _max_error: Any, _geodesic: Any) -> Geo:
    """The geometry in another projection."""
    return geometry.to(proj.crs)


@serves("Feature.transform")
def feature_transform(feature: Element, proj: Projection, _max_error: Any, _geodesic: Any) -> Element:
    """The feature with its geometry in another projection."""
    return _with_geometry(feature, _geometry(feature).to(proj.crs))


def _geometry(value: Any) -> Geo:
    try:
        return geometry_of(value)
    except Misfit:
        raise RequestError("the feature has no geometry") from None


def _with_geometry(feature: Element, geometry: Geo) -> Element:
    return dataclasses.replace(feature, geometry=geometry)


def _predicate(name: str, test: Callable[[BaseGeometry, BaseGeometry], Any]) -> None:
    @serves(f"Geometry.{name}", f"Feature.{name}")
    def predicate(left: Any, right: Any, _max_error: Any, proj: Projection | None) -> bool:
        return bool(test(_in(proj, _geometry(left)).shape, _in(proj, _geometry(right)).shape))


_predicate("contains", lambda a, b: a.covers(b))
_predicate("containedIn", lambda a, b: b.covers(a))
_predicate("intersects", lambda a, b: a.intersects(b))
_predicate("disjoint", lambda a, b: a.disjoint(b))


def _overlay(name: str, operation: Callable[[BaseGeometry, BaseGeometry], BaseGeometry]) -> None:
    @serves(f"Geometry.{name}")
    def overlay(left: Geo, right: Geo, _max_error: Any, proj: Projection | None) -> Geo:
        one, two = _in(proj, left), _in(proj, right)
        return Geo(operation(one.shape, two.shape), one.crs, one.geodesic)


_overlay("intersection", lambda a, b: a.intersection(b))
_overlay("union", lambda a, b: a.union(b))
_overlay("difference", lambda a, b: a.difference(b))


@serves("Geometry.area")
def area(geometry: Geo, _max_error: Any, proj: Projection | None) -> float:
    """Square metres on the ellipsoid, or square units of a projection."""
    if proj is not None:
        return float(geometry.to(proj.crs).shape.area)
    return abs(float(_ELLIPSOID.geometry_area_perimeter(geometry.lonlat)[0]))


@serves("Geometry.distance")
def distance(left: Geo, right: Geo, _max_error: Any, proj: Projection | None, _spherical: bool) -> float:
    """Metres in the UTM zone of the left geometry, or units of a projection."""
    crs = _local(left).crs if proj is None else proj.crs
    return float(left.to(crs).shape.distance(right.to(crs).shape))


@serves("Geometry.coordinates")
def coordinates(geometry: Geo) -> Sequence[Any]:
    """The GeoJSON coordinates."""
    return list(geojson(geometry)["coordinates"])


@serves("Geometry.type")
def geometry_type(geometry: Geo) -> str:
    """The GeoJSON type."""
    return str(geometry.shape.geom_type)


@serves("Geometry.projection")
def projection(geometry: Geo) -> Projection:
    """The geometry's projection."""
    return Projection(geometry.crs)
