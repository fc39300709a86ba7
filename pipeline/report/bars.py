"""Bar charts: what each class has, and how weights lie."""

from collections.abc import Sequence
from typing import Final
from xml.etree import ElementTree as ET

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from pipeline.report import svg
from pipeline.report.label_counts import LabelCounts
from pipeline.report.selection import BINS, WeightSpread
from pipeline.report.words import percent
from pipeline.schema.landcover import DW_CLASSES, LandCoverClass

WIDTH: Final = 460
NAME_WIDTH: Final = 138
VALUE_WIDTH: Final = 60
BAR: Final = 7
GAP: Final = 11
LONGEST_NAME: Final = 20
"""Characters of a class's name that fit beside its bars."""


def class_histogram(counts: LabelCounts) -> Markup:
    """Share of the labelled pixels per class, a bar a season, with the truth as a mark across them."""
    shares = counts.labels / np.maximum(counts.labels.sum(axis=1, keepdims=True), 1)
    truth = None
    if counts.truth is not None:
        truth = counts.truth.sum(axis=0) / max(int(counts.truth.sum()), 1)
    names = [f"season {season + 1}" for season in range(len(shares))]
    return share_bars(DW_CLASSES, shares, names, truth, "Share of the labelled pixels per class and season")


def share_bars(
    classes: Sequence[LandCoverClass],
    shares: NDArray[np.float64],
    names: Sequence[str],
    truth: NDArray[np.float64] | None,
    title: str,
) -> Markup:
    """Shares (series, classes) as bars, a bar a series, named `names`; `truth` (classes,) as marks across them."""
    block = len(shares) * BAR + GAP
    top = 8
    height = top + len(classes) * block + 20
    parts = [f"{c.name} {percent(float(shares[:, at].mean()))}" for at, c in enumerate(classes)]
    root = svg.drawing(WIDTH, height, title=title, description=", ".join(parts), css="chart")
    most = max(float(shares.max()), 0.0 if truth is None else float(truth.max()), 0.01)
    room = WIDTH - NAME_WIDTH - VALUE_WIDTH
    base = top + len(classes) * block - GAP / 2
    svg.add(root, "path", css="axis", d=f"M{NAME_WIDTH} {top - 4}V{svg.number(base)}")
    for at, cover in enumerate(classes):
        y = top + at * block
        middle = y + len(shares) * BAR / 2
        name = svg.add(root, "text", _cut(cover.name), css="name", x=NAME_WIDTH - 8, y=middle + 4, text_anchor="end")
        svg.add(name, "title", cover.name)
        for series, share in enumerate(shares[:, at].tolist()):
            bar = svg.add(
                root, "rect", x=NAME_WIDTH, y=y + series * BAR, width=room * share / most, height=BAR - 1.5,
                fill=cover.colour,
            )  # fmt: skip
            svg.add(bar, "title", f"{cover.name}, {names[series]}: {percent(share, 2)}")
        true = 0.0 if truth is None else float(truth[at])
        if truth is not None:
            x = NAME_WIDTH + room * true / most
            _truth_mark(root, x, y - 2, y + len(shares) * BAR + 1, f"{cover.name}, truth: {percent(true, 2)}")
        widest = max(float(shares[:, at].max()), true)
        value = percent(float(shares[:, at].mean()))
        svg.add(root, "text", value, css="tick", x=NAME_WIDTH + room * widest / most + 7, y=middle + 4)
    return svg.markup(root)


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1].rstrip(' ,')}…"


def weight_histogram(spread: WeightSpread) -> Markup:
    """Weights over rightly and over wrongly labelled pixels, side by side in BINS bins."""
    height, left, base = 190, 40, 150
    name = spread.modality.upper()
    description = f"mean weight {spread.right_mean:.2f} over right labels, {spread.wrong_mean:.2f} over wrong labels"
    title = f"Selection weights of the {name} network"
    root = svg.drawing(WIDTH, height, title=title, description=description, css="chart")
    most = max(*spread.right_share, *spread.wrong_share, 0.01)
    room = (WIDTH - left - 12) / BINS
    for level in (0.5, 1.0):
        y = base - level * (base - 16)
        svg.add(root, "path", css="gridline", d=f"M{left} {svg.number(y)}H{WIDTH - 12}")
        svg.add(root, "text", percent(level * most, 0), css="tick", x=left - 6, y=y + 4, text_anchor="end")
    _pairs(root, spread.right_share, "right", left + 3, room, base, most)
    _pairs(root, spread.wrong_share, "wrong", left + room / 2, room, base, most)
    svg.add(root, "path", css="axis", d=f"M{left} {base}H{WIDTH - 12}")
    for tick in (0.0, 0.5, 1.0):
        x = left + tick * BINS * room
        svg.add(root, "text", f"{tick:g}", css="tick", x=x, y=base + 16, text_anchor="middle")
    svg.add(root, "text", "weight", css="tick", x=left + BINS * room / 2, y=base + 32, text_anchor="middle")
    return svg.markup(root)


def _pairs(
    root: ET.Element, shares: Sequence[float], style: str, left: float, room: float, base: float, most: float
) -> None:
    for place, share in enumerate(shares):
        tall = share / most * (base - 16)
        bar = svg.add(
            root, "rect", css=f"bar-{style}", x=left + place * room, y=base - tall, width=room / 2 - 3,
            height=tall,
        )  # fmt: skip
        svg.add(bar, "title", f"{style}, weight {place / BINS:.1f} to {(place + 1) / BINS:.1f}: {percent(share)}")


def _truth_mark(root: ET.Element, x: float, top: float, bottom: float, title: str) -> None:
    mark = svg.add(root, "path", css="truth-mark", d=f"M{svg.number(x)} {top:g}V{bottom:g}")
    svg.add(mark, "title", title)
