"""Histograms of raw pixels as small charts, one a band."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from markupsafe import Markup

from pipeline.report import svg
from pipeline.report.band_histograms import SensorHistogram, share_below
from pipeline.report.band_statistics import SensorTable
from pipeline.report.curves import short

TAIL: Final = 0.01
"""Share of the pixels at either end that a chart leaves out, so that a few bright ones do not flatten the rest."""
STEPS: Final = 48
"""Bars of a chart."""
WIDTH, HEIGHT, BASE, SIDE = 230, 118, 96, 8


def drawn_histograms(
    histograms: Mapping[str, SensorHistogram], tables: Sequence[SensorTable]
) -> dict[str, tuple[Markup, ...]]:
    """Charts by sensor: one a band, a line a season, dashed uprights where the bytes of the store begin and end."""
    ranges = {(table.sensor, row.band): row.kept_range for table in tables for row in table.rows}
    return {
        sensor: tuple(_chart(found, at, band, ranges.get((sensor, band))) for at, band in enumerate(found.bands))
        for sensor, found in histograms.items()
    }


def _chart(histogram: SensorHistogram, at: int, band: str, kept: tuple[float, float] | None) -> Markup:
    counts, edges = histogram.counts[:, at], histogram.edges
    pooled = counts.sum(axis=0)
    reached = np.flatnonzero(share_below(pooled, edges, edges) <= TAIL)
    left = np.flatnonzero(share_below(pooled, edges, edges) >= 1 - TAIL)
    low = float(edges[reached[-1]]) if reached.size else float(edges[0])
    high = float(edges[left[0]]) if left.size and pooled.sum() else float(edges[-1])
    steps = np.linspace(low, high, STEPS + 1)
    shares = np.stack([np.diff(share_below(season, edges, steps)) for season in counts])
    said = f"Between {short(low)} and {short(high)} lie all but {200 * TAIL:g} per cent of the pixels."
    root = svg.drawing(WIDTH, HEIGHT, title=f"Histogram of {band}", description=said, css="chart histogram")
    room = WIDTH - 2 * SIDE
    most = max(float(shares.max()), 1e-9)
    for number, season in enumerate(shares):
        points = [
            f"{svg.number(SIDE + room * (step + 0.5) / STEPS)} {svg.number(BASE - share / most * (BASE - 20))}"
            for step, share in enumerate(season)
        ]
        svg.add(root, "path", css=f"season-{number}", d="M" + "L".join(points))
    svg.add(root, "path", css="axis", d=f"M{SIDE} {BASE}H{WIDTH - SIDE}")
    for edge in kept or ():
        if low <= edge <= high:
            x = svg.number(SIDE + room * (edge - low) / (high - low))
            mark = svg.add(root, "path", css="kept-edge", d=f"M{x} 20V{BASE}")
            svg.add(mark, "title", f"The store's bytes end at {short(edge)}")
    svg.add(root, "text", band, css="name", x=SIDE, y=13)
    svg.add(root, "text", short(low), css="tick", x=SIDE, y=BASE + 15)
    svg.add(root, "text", short(high), css="tick", x=WIDTH - SIDE, y=BASE + 15, text_anchor="end")
    return svg.markup(root)
