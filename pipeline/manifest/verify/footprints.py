"""Whether the outlines in the index lie where its grids say: computed again from zone, geotransform and patch size."""

import json
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from pipeline.manifest.index import GEOPARQUET_VERSION, split_at_antimeridian
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.grids import NOWHERE, is_placed
from pipeline.manifest.verify.index_rows import IndexRows, index_rows
from pipeline.manifest.verify.tree import INDEX, PublishedTree
from pipeline.parts import readable
from pipeline.sampling.outlines import outlines
from pipeline.schema.grid import PixelGrid

EXACT_DEG: Final = 1e-7
"""A centimetre: what other versions of PROJ may move a corner by, and far less than a pixel."""

SIDES: Final = ("xmin", "ymin", "xmax", "ymax")

GEOMETRY: Final = "geometry"

POLE_DEG: Final = 85.0
"""Beyond this no zone reaches: UTM ends at 84 N and 80 S, and a patch on its edge a little later."""

LARGEST_PX: Final = 10_000
"""Side of a patch that a UTM zone can hold many of, at 10 m; metadata can say anything."""


def check(tree: PublishedTree) -> Iterator[Finding]:
    """Outlines that are not those of the rows' grids, boxes that are not their bounds, and metadata that misleads."""
    rows = index_rows(tree)
    if rows is None:
        return
    shapes, legible = _shapes(rows)
    yield from _described(tree, shapes)
    known = is_placed(rows)
    sizes = patch_sizes(tree, rows)
    yield from rows.findings("footprints", ~legible, "the geometry cannot be read: it is no WKB (well-known binary)")
    nowhere = rows.frame["epsg"].to_numpy() == NOWHERE
    what = "epsg is 0, so nobody knows where it lies, but it has a geometry"
    yield from rows.findings("footprints", nowhere & ~shapely.is_missing(shapes) & legible, what)
    at = np.flatnonzero(known & (sizes > 0) & legible)
    yield from _outlined(rows, at, sizes, shapes)
    yield from _boxed(rows, np.flatnonzero(legible), shapes)


def grids_of(rows: IndexRows, at: NDArray[np.int64], sizes: NDArray[np.int64]) -> list[PixelGrid]:
    """The grids of some index rows; `sizes` are the sides of all rows' patches, pixels."""
    epsg, side = rows.frame["epsg"].to_numpy()[at].tolist(), sizes[at].tolist()
    corners = rows.affine[at][:, [0, 2, 5]].tolist()
    return [
        PixelGrid(zone, left, top, px, px, pixel_m)
        for zone, px, (pixel_m, left, top) in zip(epsg, side, corners, strict=True)
    ]


def patch_sizes(tree: PublishedTree, rows: IndexRows) -> NDArray[np.int64]:
    """(rows,): the side of each row's patch, pixels; 0 where its store cannot be read, or says what cannot be."""
    sides = {store: arrays["s2"].shape[-1:] for store, arrays in tree.arrays.items() if "s2" in arrays}
    possible = {store: side[0] for store, side in sides.items() if side and side[0] <= LARGEST_PX}
    return rows.frame["store"].map(possible).fillna(0).to_numpy(np.int64)


def _outlined(
    rows: IndexRows, at: NDArray[np.int64], sizes: NDArray[np.int64], shapes: NDArray[Any]
) -> Iterator[Finding]:
    """Compare outlines, each row of a store once where its seasons have the same."""
    unique, which = np.unique(_same_grid(rows)[at], return_inverse=True)
    corners = outlines(grids_of(rows, unique, sizes))
    away = ~(np.abs(shapely.bounds(corners)[:, [1, 3]]) < POLE_DEG).all(axis=1)
    expected = corners.copy()
    west, _, east, _ = shapely.bounds(corners).T
    for one in np.flatnonzero(~away & (east - west > 180.0)).tolist():
        expected[one] = split_at_antimeridian(corners[one])
    same = _same(shapes[at], expected[which])
    for one in np.flatnonzero(~same | away[which]).tolist():
        yield rows.finding(
            "footprints", int(at[one]), _difference(shapes[at[one]], expected[which[one]], away[which[one]])
        )


def _same_grid(rows: IndexRows) -> NDArray[np.int64]:
    """(rows,): the first index row of the same row of a store, where it lies on the same grid; else the row itself."""
    first, epsg = rows.first_of_its_row, rows.frame["epsg"].to_numpy()
    same = (epsg == epsg[first]) & (rows.affine == rows.affine[first]).all(axis=1)
    return np.where(same, first, np.arange(len(first)))


def _same(found: NDArray[Any], expected: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether two columns of shapes are the same to EXACT_DEG, wherever their rings begin."""
    same = np.asarray(shapely.equals_exact(found, expected, tolerance=EXACT_DEG))
    other = np.flatnonzero(~same & ~shapely.is_missing(found))
    if len(other):
        mine, theirs = shapely.normalize(found[other]), shapely.normalize(expected[other])
        same[other] = shapely.equals_exact(mine, theirs, tolerance=EXACT_DEG)
    return same


def _difference(found: Any, expected: Any, away: bool) -> str:
    if away:
        return "its grid lies beyond the reach of any UTM zone"
    if found is None:
        return f"no geometry, expected {_bounds(expected)}"
    if found.geom_type != expected.geom_type:
        return f"the outline is a {found.geom_type}, its grid makes a {expected.geom_type}"
    apart = float(shapely.hausdorff_distance(found, expected))
    return f"the outline {_bounds(found)} lies {apart:.7f} degrees off that of its grid, {_bounds(expected)}"


def _bounds(shape: Any) -> str:
    west, south, east, north = shape.bounds
    return f"({west:.7f}, {south:.7f}) to ({east:.7f}, {north:.7f})"


def _boxed(rows: IndexRows, at: NDArray[np.int64], shapes: NDArray[Any]) -> Iterator[Finding]:
    """Boxes that are not the bounds of their geometry; a row without geometry has an empty one."""
    boxes = _boxes(rows)[at]
    bounds = shapely.bounds(shapes[at])
    same = np.isclose(boxes, bounds, rtol=0, atol=EXACT_DEG, equal_nan=True).all(axis=1)
    for one in np.flatnonzero(~same).tolist():
        told, found = (", ".join(f"{value:.7f}" for value in values) for values in (boxes[one], bounds[one]))
        yield rows.finding("footprints", int(at[one]), f"bbox ({told}) is not its geometry's ({found})")


def _boxes(rows: IndexRows) -> NDArray[np.float64]:
    plain = [[(box or {}).get(side) for side in SIDES] for box in rows.frame["bbox"].tolist()]
    return np.array(plain, np.float64).reshape(-1, len(SIDES))


def _shapes(rows: IndexRows) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """(rows,) geometries, None where there is none or it cannot be read, and (rows,) whether it could be read."""
    wkb = np.array([*rows.frame[GEOMETRY].tolist(), None], object)[:-1]
    present = np.array([value is not None for value in wkb], bool)
    shapes = np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), object)
    return shapes, ~present | ~shapely.is_missing(shapes)


def _described(tree: PublishedTree, shapes: NDArray[Any]) -> Iterator[Finding]:
    """Compare what the file says of its geometry with what readers rely on (GeoParquet 1.1, 'File metadata')."""
    metadata = pq.ParquetFile(readable(tree.root / INDEX)).schema_arrow.metadata or {}
    try:
        geo = json.loads(metadata[b"geo"])
        column = geo["columns"][geo["primary_column"]]
        told = {
            "version": geo["version"],
            "primary_column": geo["primary_column"],
            "encoding": column["encoding"],
            "crs": (column["crs"]["id"]["authority"], column["crs"]["id"]["code"]) if "crs" in column else None,
            "covering": column["covering"]["bbox"],
        }
    except (KeyError, TypeError, ValueError) as error:
        yield Finding("footprints", INDEX, f"the file says nothing usable of its geometry ({error})", path=INDEX)
        return
    expected = {
        "version": GEOPARQUET_VERSION,
        "primary_column": GEOMETRY,
        "encoding": "WKB",
        "crs": ("OGC", "CRS84"),
        "covering": {side: ["bbox", side] for side in SIDES},
    }
    told["crs"] = told["crs"] or expected["crs"]
    for name in (name for name in expected if told[name] != expected[name]):
        yield Finding("footprints", f"{INDEX} {name}", f"is {told[name]}, expected {expected[name]}", path=INDEX)
    if "bbox" in column and len(shapes):
        whole = shapely.total_bounds(shapes).tolist()
        if not _alike(column["bbox"], whole):
            what = f"is {column['bbox']}, all rows together have {whole}"
            yield Finding("footprints", f"{INDEX} bbox", what, path=INDEX)


def _alike(told: Any, bounds: list[float]) -> bool:
    """Whether what a file says are these bounds; it may say anything."""
    numbers = isinstance(told, list) and all(isinstance(value, (int, float)) for value in told)
    return numbers and len(told) == len(bounds) and np.allclose(told, bounds, rtol=0, atol=EXACT_DEG)
