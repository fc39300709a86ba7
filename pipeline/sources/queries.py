"""Earth Engine expressions for scenes and pixels, and the lists of scenes back into records."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import ee

from pipeline.schema.records import S1Scene, S2Scene
from pipeline.sources.protocol import LayerRequest, PixelRequest, SceneLimits, SceneSlot, SlotScenes
from pipeline.sources.retry import BrokenAnswerError

S2: Final = "COPERNICUS/S2_HARMONIZED"
S1: Final = "COPERNICUS/S1_GRD"
DW: Final = "GOOGLE/DYNAMICWORLD/V1"

S2_COLUMNS: Final = (
    "system:index", "system:time_start", "CLOUDY_PIXEL_PERCENTAGE", "PROCESSING_BASELINE", "MGRS_TILE",
)  # fmt: skip
S2_OPTIONAL_COLUMNS: Final = ("system:index", "SENSING_ORBIT_NUMBER", "SPACECRAFT_NAME")
"""Asked for by themselves, so that a scene without them still qualifies."""
S1_COLUMNS: Final = (
    "system:index", "system:time_start", "orbitProperties_pass", "relativeOrbitNumber_start",
)  # fmt: skip

DISTANCE: Final = "noldo_distance_ms"
"""Property set on the server: milliseconds between a scene and the window's centre."""

CASTS: Final = {"uint8": "toUint8", "uint16": "toUint16", "float32": "toFloat"}


def scene_query(slots: Sequence[SceneSlot], limits: SceneLimits) -> ee.List:
    """One server-side map over all slots: [S2 rows, optional S2 rows, DW indices, S1 rows], rows as in *_COLUMNS."""
    plain = [
        [_ring(slot), _to_ms(slot.window.start), _to_ms(slot.window.end), _to_ms(slot.window.centre)] for slot in slots
    ]

    def one(slot: Any) -> ee.List:
        part = ee.List(slot)
        patch = ee.Geometry.Polygon(ee.List(part.get(0)))
        start, end = ee.Number(part.get(1)), ee.Number(part.get(2))
        s2 = _clearest_s2(patch, start, end, limits)
        # A Dynamic World image bears the index of the scene it was made from; the same granule may carry
        # a slightly different time there, hence the day on either side.
        day_ms = 86_400_000
        dw = (
            ee.ImageCollection(DW)
            .filterBounds(patch)
            .filterDate(start.subtract(day_ms), end.add(day_ms))
            .filter(ee.Filter.inList("system:index", s2.aggregate_array("system:index")))
        )
        s1 = _nearest_s1(patch, start, end, ee.Number(part.get(3)), limits)
        return ee.List(
            [
                _rows(s2, S2_COLUMNS),
                _rows(s2, S2_OPTIONAL_COLUMNS),
                dw.aggregate_array("system:index"),
                _rows(s1, S1_COLUMNS),
            ]
        )

    return ee.List(plain).map(one)


def read_scenes(slots: Sequence[SceneSlot], answer: Any) -> list[SlotScenes]:
    """The answer to `scene_query` as records; BrokenAnswerError where it does not fit the slots."""
    if not isinstance(answer, list) or len(answer) != len(slots):
        got = f"{len(answer)} items" if isinstance(answer, list) else type(answer).__name__
        raise BrokenAnswerError(f"expected scenes for {len(slots)} slots, got {got}")
    try:
        return [_slot_scenes(slot, *row) for slot, row in zip(slots, answer, strict=True)]
    except (TypeError, ValueError, KeyError) as error:
        raise BrokenAnswerError(f"the list of scenes cannot be read ({error})") from error


def pixel_params(request: PixelRequest) -> dict[str, Any]:
    """The parameters of one image:computePixels call for all layers, as raw NPY."""
    a, b, c, d, e, f = request.grid.affine
    return {
        "expression": ee.Image.cat(*[_layer(layer) for layer in request.layers]),
        "fileFormat": "NPY",
        "grid": {
            "crsCode": f"EPSG:{request.grid.epsg}",
            "affineTransform": {
                "scaleX": a, "shearX": b, "translateX": c, "shearY": d, "scaleY": e, "translateY": f,
            },
            "dimensions": {"width": request.grid.width_px, "height": request.grid.height_px},
        },
    }  # fmt: skip


def _clearest_s2(patch: ee.Geometry, start: ee.Number, end: ee.Number, limits: SceneLimits) -> ee.ImageCollection:
    scenes: ee.ImageCollection = (
        _over(S2, patch, start, end)
        .filter(ee.Filter.lt("CLOUDY_PIXEL_PERCENTAGE", limits.cloud_max_pct))
        .limit(limits.max_candidates, "CLOUDY_PIXEL_PERCENTAGE", True)
    )
    return scenes


def _nearest_s1(
    patch: ee.Geometry, start: ee.Number, end: ee.Number, centre: ee.Number, limits: SceneLimits
) -> ee.ImageCollection:
    def measured(image: ee.Image) -> ee.Image:
        distance = ee.Number(image.get("system:time_start")).subtract(centre).abs()
        marked: ee.Image = ee.Image(image.set(DISTANCE, distance))
        return marked

    polarisations = "transmitterReceiverPolarisation"
    scenes: ee.ImageCollection = (
        _over(S1, patch, start, end)
        .filter(ee.Filter.eq("instrumentMode", "IW"))
        .filter(ee.Filter.listContains(polarisations, "VV"))
        .filter(ee.Filter.listContains(polarisations, "VH"))
        .map(measured)
        .limit(limits.max_candidates, DISTANCE, True)
    )
    return scenes


def _over(collection: str, patch: ee.Geometry, start: ee.Number, end: ee.Number) -> ee.ImageCollection:
    """Scenes of the window whose footprint contains the patch; filterBounds lets the catalogue's index help."""
    scenes: ee.ImageCollection = (
        ee.ImageCollection(collection)
        .filterBounds(patch)
        .filterDate(start, end)
        .filter(ee.Filter.contains(".geo", patch))
    )
    return scenes


def _rows(collection: ee.ImageCollection, columns: Sequence[str]) -> ee.List:
    """A row of properties a scene; scenes without one of them are left out."""
    return ee.List(collection.reduceColumns(ee.Reducer.toList(len(columns)), list(columns)).get("list"))


def _layer(layer: LayerRequest) -> ee.Image:
    """One scene's bands in the wanted dtype.

    The first cast makes room for the fill value, which the band's own type may not hold; unmask may widen
    the type again, so the second settles what arrives.
    """
    image = ee.Image(layer.asset_id).select(list(layer.bands), list(layer.names))
    if layer.resampling == "bilinear":
        image = image.resample("bilinear")
    if layer.factor != 1.0:
        image = image.multiply(layer.factor).round()
    cast = CASTS[layer.dtype]
    filled: ee.Image = getattr(getattr(image, cast)().unmask(layer.fill, False), cast)()
    return filled


def _ring(slot: SceneSlot) -> list[list[list[float]]]:
    """The patch's outline as the coordinates of a polygon, degrees to the centimetre."""
    outline = slot.grid.footprint_lonlat().exterior.coords
    return [[[round(lon, 7), round(lat, 7)] for lon, lat in outline]]


def _to_ms(time: datetime) -> int:
    return round(time.timestamp() * 1000)


def _from_ms(milliseconds: float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _slot_scenes(slot: SceneSlot, s2: Any, more: Any, dw: Any, s1: Any) -> SlotScenes:
    labelled = set(dw)
    optional = {index: (int(orbit), str(platform)) for index, orbit, platform in more}
    return SlotScenes(
        location_id=slot.location_id,
        season=slot.season,
        s2=tuple(
            S2Scene(
                asset_id=f"{S2}/{index}",
                time=_from_ms(time),
                cloud_pct=float(cloud),
                baseline=str(baseline),
                tile=str(tile),
                dw_id=f"{DW}/{index}" if index in labelled else None,
                relative_orbit=optional.get(index, (None, None))[0],
                platform=optional.get(index, (None, None))[1],
            )
            for index, time, cloud, baseline, tile in s2
        ),
        s1=tuple(
            S1Scene(
                asset_id=f"{S1}/{index}",
                time=_from_ms(time),
                orbit_pass=str(way),
                relative_orbit=int(orbit),
                platform=index[:3] if index[:2] == "S1" else None,
            )
            for index, time, way, orbit in s1
        ),
    )
