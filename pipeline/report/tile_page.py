"""The report page of a downstream set: tiles of experts, or OSM land use on them."""

from functools import partial
from typing import Any, Final

from pipeline.files import file_sizes
from pipeline.report.band_charts import drawn_histograms
from pipeline.report.band_histograms import tile_histograms
from pipeline.report.band_statistics import sensor_tables
from pipeline.report.check import check_view
from pipeline.report.gather import from_the_run, or_notice
from pipeline.report.headline import Fact
from pipeline.report.layers import used_legends
from pipeline.report.requests import stage_requests
from pipeline.report.sample_view import SHOWN
from pipeline.report.templates import environment
from pipeline.report.tile_drops import drop_reasons
from pipeline.report.tile_gather import TileRun
from pipeline.report.tile_samples import tile_views
from pipeline.report.tile_views import agreement_figures, class_tables, tile_fates, tile_funnel
from pipeline.report.words import count, percent, size
from pipeline.report.worldmap import PlaceNotes, place_map
from pipeline.schema.landcover import DW_CLASSES

TITLES: Final = {
    "dw": "Sentinel-1, Sentinel-2 and Dynamic World labels marked by experts",
    "osm": "Sentinel-1, Sentinel-2 and OpenStreetMap land use, checked against the experts' Dynamic World labels",
}


def render_tiles(run: TileRun, *, title: str, samples: int = SHOWN) -> str:
    """The page as text; the same run gives the same text."""
    notices = list(run.notices)
    views = or_notice(lambda: tile_views(run, samples), notices) or ()
    fate, kinds = tile_fates(run)
    notes = PlaceNotes(
        frozenset(view.location_id for view in views),
        {tile.location_id: tile.detail for tile in run.dropped},
        {row.location_id: row.split for row in run.index},
    )
    histograms = or_notice(lambda: tile_histograms(run.layout), notices) or {}
    band_tables = [
        table
        for store, found in run.statistics.items()
        for table in or_notice(partial(sensor_tables, found, store, {}), notices) or ()
    ]
    judged = run.osm is not None and bool(run.osm.agreement)
    return (
        environment()
        .get_template("tiles.html")
        .render(
            title=title,
            subject=TITLES.get(run.kind, "Tiles that were imported, with Sentinel-1 and Sentinel-2"),
            run=run,
            unit="tiles",
            classes=DW_CLASSES,
            check=check_view(run),
            funnel=tile_funnel(run, len(run.locations)),
            requests=stage_requests(run.layout.events),
            map=place_map(run.locations, fate, kinds, notes, "Map of the tiles"),
            samples=views,
            legends=used_legends([layer for view in views for layer in view.layers]),
            in_store=len(run.index),
            tables=class_tables(run.statistics),
            reasons=drop_reasons(run.dropped),
            band_tables=band_tables,
            band_histograms=drawn_histograms(histograms, band_tables),
            agreement=agreement_figures(run, run.osm) if judged and run.osm is not None else None,
            facts=_facts(run),
            notices=from_the_run(run.layout, notices),
        )
    )


def _facts(run: TileRun) -> list[Fact]:
    """The few figures at the top of the page."""
    stores: dict[str, Any] = dict(run.statistics)
    facts = [
        Fact(f"{name}", count(found["tiles"]), f"tiles, {count(found['labelled_pixels'])} labelled pixels")
        for name, found in stores.items()
    ]
    if stores:
        held = sum(sum(file_sizes(run.layout.store(name)).values()) for name in stores)
        facts.append(Fact("Stores on disk", size(held), "raw Sentinel-2, Sentinel-1 and labels"))
    if run.osm is not None and run.osm.agreement:
        kept = sum(tile.kept for tile in run.osm.agreement)
        total = len(run.osm.agreement)
        facts.append(Fact("Tiles where OSM agrees", count(kept), f"of {count(total)}, {percent(kept / total, 0)}"))
    return facts
