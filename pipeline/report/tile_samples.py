"""Previews of a few tiles of a downstream set, with their scenes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pipeline.report import picture
from pipeline.report.label_counts import evenly_spaced
from pipeline.report.tile_gather import TileIndexRow, TileRun
from pipeline.schema.bands import S1_SCALING, S2_BANDS, Scaling
from pipeline.schema.errors import NoldoError
from pipeline.schema.tiles import TileAgreement
from pipeline.tile_arrays import LEGENDS, label_names, open_tile_arrays, read_tile_row

SHOWN: Final = 12
"""Tiles shown; more would make the page heavy."""

REFLECTANCE: Final = Scaling(S2_BANDS, (5000.0,) * len(S2_BANDS), (2500.0,) * len(S2_BANDS), source="given")
"""0 to 10,000: snow and clouds of raw images keep their colour."""

NAMES: Final = {"dw": "Expert label", "osm": "OSM label", "dfc": "DFC label"}


@dataclass(frozen=True)
class TileView:
    """One tile of the samples section, its pictures as data URIs."""

    scenes: TileIndexRow
    s2: str
    s1: str
    labels: tuple[tuple[str, str], ...]
    """(name, picture) of each label array."""
    accuracy: float | None
    """Of OSM against Dynamic World, 0..1; None where it is not known."""


def tile_views(run: TileRun) -> tuple[TileView, ...]:
    """At most SHOWN tiles over all stores; of an OSM run half of them are those that agree least.

    Raises NoldoError where a store cannot be read.
    """
    judged = {} if run.osm is None else {tile.tile_id: tile for tile in run.osm.agreement}
    return tuple(_view(run, row, judged.get(row.location_id)) for row in _chosen(run, list(judged.values())))


def _chosen(run: TileRun, judged: Sequence[TileAgreement]) -> list[TileIndexRow]:
    rows = {row.location_id: row for row in run.index}
    accuracy = {tile.tile_id: tile.overall_accuracy or 0.0 for tile in judged if tile.tile_id in rows}
    least = sorted(accuracy, key=lambda tile_id: (accuracy[tile_id], tile_id))[: SHOWN // 2]
    others = [row for row in run.index if row.location_id not in least]
    even = [others[at] for at in evenly_spaced(len(others), SHOWN - len(least))]
    return [*(rows[tile_id] for tile_id in least), *even]


def _view(run: TileRun, row: TileIndexRow, judged: TileAgreement | None) -> TileView:
    store = run.layout.root / row.store
    if not store.is_dir():
        raise NoldoError(f"{store.name}, which the index names, is not there.")
    tile = read_tile_row(store, row.row)
    (colour,) = picture.true_colour(REFLECTANCE.to_uint8(tile["s2"])[None], REFLECTANCE)
    (radar,) = picture.false_colour(S1_SCALING.to_uint8(tile["s1"])[None])
    labels = tuple(
        (NAMES[name], picture.classes(tile[name].astype("uint8"), LEGENDS[name]))
        for name in label_names(open_tile_arrays(store))
    )
    return TileView(row, colour, radar, labels, None if judged is None else judged.overall_accuracy)
