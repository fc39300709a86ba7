"""Tables of figures about a downstream set, as the template walks through them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from markupsafe import Markup

from pipeline.agreement import (
    AgreementSettings,
    admitted,
    kept_curve,
    total_confusion,
    worst_pairs,
)
from pipeline.funnel_step import FunnelStep, commonest_first
from pipeline.osm_state import OsmTables, osm_funnel
from pipeline.report.bars import share_bars
from pipeline.report.curves import Line, line_chart
from pipeline.report.fates import KEPT
from pipeline.report.tile_gather import TileRun
from pipeline.report.views import FunnelView, share
from pipeline.schema.landcover import DW_CLASSES, OSM_CLASSES, LandCoverClass
from pipeline.schema.tiles import SPLITS, TileAgreement
from pipeline.tile_arrays import LEGENDS

STEP_NAMES: Final = {
    "tiles": "Expert tiles",
    "pair": "Paired with Sentinel\u20112 and Sentinel\u20111",
    "fetch": "Pixels at hand and observed",
    "labels": "With OSM labels",
    "agreement": "OSM agrees with Dynamic World",
    "split": "In a split",
}

GRADES: Final = ((0.9, "90 % or more"), (0.7, "70 % to 90 %"), (0.0, "less than 70 %"))
"""Least accuracy of a kept tile, and what the map calls it."""

UNPLACED: Final = "not finished"


@dataclass(frozen=True)
class ConfusionRow:
    """One OSM class against the experts' classes."""

    cover: LandCoverClass
    shares: tuple[float | None, ...]
    """Of the pixels that both label, the share of each DW class; None where there are none."""
    admitted: tuple[bool, ...]
    """Whether the OSM class admits each DW class."""
    pixels: int
    accuracy: float | None
    """Share of the pixels whose DW class is admitted."""


@dataclass(frozen=True)
class PairView:
    """Two classes that contradict each other."""

    osm: LandCoverClass
    dw: LandCoverClass
    pixels: int
    share: float
    tiles: int


@dataclass(frozen=True)
class ClassTable:
    """Pixels a class of one label array, a column a store."""

    name: str
    stores: tuple[str, ...]
    rows: tuple[tuple[LandCoverClass, tuple[int, ...], tuple[float | None, ...]], ...]
    """(class, pixels by store, share of the labelled pixels by store)."""
    unlabelled: tuple[int, ...]
    chart: Markup
    """The shares as bars, a bar a store."""


def tile_funnel(run: TileRun, tiles: int) -> tuple[FunnelView, ...]:
    """The steps that a build has reached; of a DW set from the tiles that its manifest names as dropped."""
    if run.osm is not None and run.osm.agreement:
        steps = osm_funnel(run.osm, bool(run.osm.split))
    else:
        steps = _dropped_steps(run, tiles)
    # A README beside the experts' tiles is no tile, so what a build from files starts with is what was a tile.
    first = steps[0] if steps else FunnelStep("tiles", 0, 0, ())
    whole = first.kept if run.kind == "dw" else first.entered
    return tuple(
        FunnelView(STEP_NAMES[step.stage], step.kept, step.kept / max(whole, 1), step.reasons, 0) for step in steps
    )


def _dropped_steps(run: TileRun, tiles: int) -> tuple[FunnelStep, ...]:
    reasons: dict[str, Counter[str]] = {"tiles": Counter(), "pair": Counter(), "fetch": Counter()}
    for gone in run.dropped:
        reasons[gone.stage if gone.stage in reasons else "tiles"][gone.reason] += 1
    if not run.index or not run.dropped_known:
        return (FunnelStep("tiles", tiles, tiles, ()),) if tiles else ()
    steps, left = [], len(run.index) + sum(found.total() for found in reasons.values())
    for stage, found in reasons.items():
        if stage == "tiles" or run.kind == "dw":
            steps.append(FunnelStep(stage, left, left - found.total(), commonest_first(found)))
        left -= found.total()
    return tuple(steps)


def tile_fates(run: TileRun) -> tuple[dict[str, str], list[str]]:
    """What the map says of every tile, and the kinds that it names first."""
    gone = {tile.location_id: tile.reason for tile in run.dropped}
    stored = {row.location_id for row in run.index}
    accuracy = {} if run.osm is None else {tile.tile_id: tile.overall_accuracy for tile in run.osm.agreement}
    judged = {} if run.osm is None else {t.tile_id: t.reason or KEPT for t in run.osm.agreement}
    fate = {}
    for spot in run.locations:
        kind = gone.get(spot.location_id) or judged.get(spot.location_id, KEPT if not run.index else UNPLACED)
        if spot.location_id in stored or kind == KEPT:
            kind = _grade(accuracy[spot.location_id]) if spot.location_id in accuracy else KEPT
        fate[spot.location_id] = kind
    kinds = [f"kept, {words}" for _, words in GRADES] if accuracy else [KEPT]
    return fate, kinds


def _grade(accuracy: float | None) -> str:
    return next(f"kept, {words}" for least, words in GRADES if (accuracy or 0.0) >= least)


def agreement_settings(recipe: Mapping[str, Any]) -> AgreementSettings:
    """The settings of the check as the run's recipe has them."""
    return AgreementSettings.model_validate(recipe.get("agreement") or {})


def agreement_figures(run: TileRun, tables: OsmTables) -> dict[str, Any]:
    """What the section about agreement shows: the curve, the confusion, the worst pairs, the list of doubtful tiles."""
    settings = agreement_settings(run.recipe)
    curve = kept_curve(tables.agreement, settings, SPLITS)
    lines = [Line("all", tuple((100 * p.threshold, p.kept) for p in curve), "train")]
    styles = ("held-out", "rate")
    for at, split in enumerate(SPLITS):
        points = tuple((100 * p.threshold, float(p.by_split[at])) for p in curve)
        lines.append(Line(f"DW {split}", points, styles[at]))
    chart = line_chart(lines, title="Tiles kept at each threshold", x_name="least overall accuracy, per cent")
    return {
        "settings": settings,
        "curve": curve,
        "curve_chart": chart,
        "confusion": confusion_rows(tables.agreement),
        "pairs": [
            PairView(OSM_CLASSES[p.osm - 1], DW_CLASSES[p.dw], p.pixels, p.share, p.tiles)
            for p in worst_pairs(tables.agreement)
        ],
        "inspection": tables.inspection,
        "doubtful": _doubtful(tables.agreement),
    }


def confusion_rows(tiles: tuple[TileAgreement, ...]) -> tuple[ConfusionRow, ...]:
    """The confusion of all tiles with labels, a row an OSM class."""
    total, table = total_confusion(tiles), admitted()
    rows = []
    for cover in OSM_CLASSES:
        counted, allowed = total[cover.code - 1], table[cover.code - 1]
        pixels = int(counted.sum())
        rows.append(
            ConfusionRow(
                cover=cover,
                shares=tuple(share(int(n), pixels) for n in counted),
                admitted=tuple(bool(value) for value in allowed),
                pixels=pixels,
                accuracy=share(int(counted[allowed].sum()), pixels),
            )
        )
    return tuple(rows)


def _doubtful(tiles: tuple[TileAgreement, ...], most: int = 10) -> list[TileAgreement]:
    """The kept tiles that agree least: those to look at first."""
    kept = [tile for tile in tiles if tile.kept and tile.overall_accuracy is not None]
    return sorted(kept, key=lambda tile: (tile.overall_accuracy, tile.tile_id))[:most]


def class_tables(statistics: Mapping[str, Any]) -> list[ClassTable]:
    """Pixels a class of every label array in the stores, from the manifest's statistics."""
    stores = {name: found["label_pixels"] for name, found in statistics.items()}
    tables = []
    for array, legend in LEGENDS.items():
        counts = {store: found[array] for store, found in stores.items() if array in found}
        if not counts:
            continue
        totals = {store: sum(n for word, n in found.items() if word != "no label") for store, found in counts.items()}
        rows = tuple(
            (
                cover,
                tuple(found[cover.name] for found in counts.values()),
                tuple(share(counts[store][cover.name], totals[store]) for store in counts),
            )
            for cover in legend
        )
        bars = np.array([[shares[at] or 0.0 for _, _, shares in rows] for at in range(len(counts))])
        chart = share_bars(legend, bars, list(counts), None, f"Share of the labelled pixels per class of {array}")
        unlabelled = tuple(found["no label"] for found in counts.values())
        tables.append(ClassTable(array, tuple(counts), rows, unlabelled, chart))
    return tables
