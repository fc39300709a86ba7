"""A few tiles of a downstream set, as layers, with their scenes."""

from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.report.label_counts import evenly_spaced
from pipeline.report.layers import class_layer, image_layers
from pipeline.report.picture import REFLECTANCE
from pipeline.report.sample_view import SampleView, season_view
from pipeline.report.tile_gather import TileIndexRow, TileRun
from pipeline.report.words import percent
from pipeline.schema.bands import S1_SCALING
from pipeline.schema.errors import NoldoError
from pipeline.schema.tiles import TileAgreement
from pipeline.tile_arrays import label_names, open_tile_arrays, read_tile_row

NAMES: Final = {"dw": "Expert label", "osm": "OSM label", "dfc": "DFC label"}


def tile_views(run: TileRun, most: int) -> tuple[SampleView, ...]:
    """At most `most` tiles over all stores; of an OSM run half of them are those that agree least.

    Raises NoldoError where a store cannot be read.
    """
    judged = {} if run.osm is None else {tile.tile_id: tile for tile in run.osm.agreement}
    chosen = _chosen(run, list(judged.values()), most)
    return tuple(_view(run, row, judged.get(row.location_id)) for row in chosen)


def _chosen(run: TileRun, judged: Sequence[TileAgreement], most: int) -> list[TileIndexRow]:
    rows = {row.location_id: row for row in run.index}
    accuracy = {tile.tile_id: tile.overall_accuracy or 0.0 for tile in judged if tile.tile_id in rows}
    least = sorted(accuracy, key=lambda tile_id: (accuracy[tile_id], tile_id))[: most // 2]
    others = [row for row in run.index if row.location_id not in least]
    even = [others[at] for at in evenly_spaced(len(others), most - len(least))]
    return [*(rows[tile_id] for tile_id in least), *even]


def _view(run: TileRun, row: TileIndexRow, judged: TileAgreement | None) -> SampleView:
    store = run.layout.root / row.store
    if not store.is_dir():
        raise NoldoError(f"{store.name}, which the index names, is not there.")
    tile = read_tile_row(store, row.row)
    s2, s1 = REFLECTANCE.to_uint8(tile["s2"])[None], S1_SCALING.to_uint8(tile["s1"])[None]
    labels = [
        class_layer(name, NAMES[name], tile[name].astype("uint8")[None], name)
        for name in label_names(open_tile_arrays(store))
    ]
    return SampleView(
        location_id=row.location_id,
        side_px=s2.shape[-1],
        facts=tuple(_facts(row, judged)),
        seasons=(season_view("", row),),
        layers=(*image_layers(s2, s1, REFLECTANCE, S1_SCALING), *labels),
    )


def _facts(row: TileIndexRow, judged: TileAgreement | None) -> Iterator[str]:
    yield row.split
    if row.epsg is not None:
        yield f"EPSG:{row.epsg}"
    yield f"row {row.row} of {row.store_name}"
    if judged is not None and judged.overall_accuracy is not None:
        yield f"OSM agrees on {percent(judged.overall_accuracy, 0)}"
