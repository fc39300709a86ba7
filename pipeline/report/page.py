"""Writes the report page of a run."""

from typing import Any

from markupsafe import Markup

from pipeline.files import file_sizes, write_bytes
from pipeline.report.band_charts import drawn_histograms
from pipeline.report.band_histograms import store_histograms
from pipeline.report.band_statistics import sensor_tables
from pipeline.report.bars import class_histogram, weight_histogram
from pipeline.report.check import check_view
from pipeline.report.consistency import agreements
from pipeline.report.curves import Line, line_chart
from pipeline.report.flags import flag_views
from pipeline.report.gather import RunRecord, from_the_run, gather, or_notice
from pipeline.report.headline import headline
from pipeline.report.label_counts import count_labels
from pipeline.report.layers import used_legends
from pipeline.report.measures import measures
from pipeline.report.requests import stage_requests
from pipeline.report.sample_view import SHOWN, SampleView
from pipeline.report.samples import sample_views
from pipeline.report.selection import read_selection
from pipeline.report.templates import environment
from pipeline.report.tile_gather import gather_tiles, is_tile_run
from pipeline.report.tile_page import render_tiles
from pipeline.report.training_log import Pretraining
from pipeline.report.views import class_agreement, class_scores, funnel_views, mean_share, score_rows
from pipeline.report.worldmap import world_map
from pipeline.schema.landcover import DW_CLASSES
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath


def write_report(run: RunLayout, *, title: str, samples: int = SHOWN) -> AnyPath:
    """Write `run.report`, one self-contained HTML page about a run directory, and return its path.

    The pictures of at most `samples` locations, or tiles, are in it, evenly spaced over the store: the same ones
    each time. What the run does not have yet, or what cannot be read, is named on the page. Raises UsageError where
    the directory is no run.
    """
    tiles = is_tile_run(run)
    html = (
        render_tiles(gather_tiles(run), title=title, samples=samples)
        if tiles
        else render(gather(run), title=title, samples=samples)
    )
    write_bytes(run.report, html.encode())
    return run.report


def render(run: RunRecord, *, title: str, samples: int = SHOWN) -> str:
    """The page as text; the same run gives the same text."""
    notices = list(run.notices)
    template = environment().get_template("report.html")
    return template.render(
        title=title,
        run=run,
        classes=DW_CLASSES,
        check=check_view(run),
        funnel=funnel_views(run),
        requests=stage_requests(run.layout.events),
        flags=flag_views(run),
        measures=measures(run.quality, run.recipe),
        **_pixels(run, samples, notices),
        **_bands(run, notices),
        **_learnt(run, notices),
        notices=from_the_run(run.layout, notices),
    )


def _pixels(run: RunRecord, most: int, notices: list[str]) -> dict[str, Any]:
    """What is made from the store: samples, class counts, and the map and headline that refer to them."""
    store, truth = run.store, run.layout.truth if run.layout.truth.is_dir() else None
    counts, store_bytes = None, None
    samples: tuple[SampleView, ...] = ()
    if store is None:
        notices.append("There is no store yet: previews and class counts are left out.")
    else:
        counts = or_notice(lambda: count_labels(store, truth), notices)
        samples = or_notice(lambda: sample_views(run, store, truth, most), notices) or ()
        store_bytes = sum(file_sizes(store).values())
    return {
        "map": world_map(run, [sample.location_id for sample in samples]),
        "samples": samples,
        "legends": used_legends([layer for sample in samples for layer in sample.layers]),
        "in_store": len(samples) if counts is None else counts.rows_in_store,
        "counts": counts,
        "agreements": agreements(run, counts),
        "labelled": None if counts is None else mean_share(counts),
        "histogram": None if counts is None else class_histogram(counts),
        "agreement": () if counts is None else class_agreement(counts),
        "facts": headline(run, counts, store_bytes),
    }


def _bands(run: RunRecord, notices: list[str]) -> dict[str, Any]:
    """What the manifest tells of the raw pixels a band."""
    store = run.store
    histograms = {} if store is None else or_notice(lambda: store_histograms(store), notices) or {}
    tables = or_notice(lambda: sensor_tables(run.statistics, "", histograms), notices) or ()
    return {"band_tables": tables, "band_histograms": drawn_histograms(histograms, tables)}


def _learnt(run: RunRecord, notices: list[str]) -> dict[str, Any]:
    """What is made from the pretraining run."""
    training = run.pretraining
    if training is None:
        notices.append("There is no pretraining run yet: its curves, scores and selection masks are left out.")
        return {"curves": (), "scores": (), "class_scores": ((), ()), "selection": None, "spreads": ()}
    selection = or_notice(lambda: read_selection(training.layout.masks, run.scenes_of), notices)
    spreads = () if selection is None else selection.spreads
    return {
        "curves": _curves(training),
        "scores": () if training.result is None else score_rows(training.result),
        "class_scores": ((), ()) if training.result is None else class_scores(training.result),
        "selection": selection,
        "spreads": tuple((spread, weight_histogram(spread)) for spread in spreads),
    }


def _curves(training: Pretraining) -> tuple[tuple[str, Markup], ...]:
    """Charts by name; one without a value is left out."""
    charts = {
        "Loss": [_line(training, "train_loss", "train", "train"), _line(training, "val_loss", "held out", "held-out")],
        "Parts of the training loss": [
            _line(training, "segmentation_s2", "S2 labels", "train"),
            _line(training, "segmentation_s1", "S1 labels", "held-out"),
            _line(training, "consistency", "consistency", "rate"),
        ],
        "Learning rate": [_line(training, "lr", "lr", "rate")],
    }
    drawn = {name: line_chart(lines, title=f"{name} per epoch", x_name="epoch") for name, lines in charts.items()}
    return tuple((name, chart) for name, chart in drawn.items() if chart is not None)


def _line(training: Pretraining, field: str, name: str, style: str) -> Line:
    values = ((float(epoch.epoch), getattr(epoch, field)) for epoch in training.epochs)
    return Line(name, tuple((epoch, float(value)) for epoch, value in values if value is not None), style)
