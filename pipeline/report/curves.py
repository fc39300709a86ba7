"""Line charts of a run over its epochs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

from markupsafe import Markup

from pipeline.report import svg

WIDTH: Final = 460
LEFT, RIGHT, TOP, BOTTOM = 46, 104, 14, 34
TICKS: Final = 4

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """One line of a chart: (x, y) points in rising x."""

    name: str
    points: tuple[Point, ...]
    style: str
    """CSS class, which sets colour and dashes."""


@dataclass(frozen=True)
class _Frame:
    """Maps values to user units inside the chart's margins."""

    height: float
    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def x(self, value: float) -> float:
        """Abscissa of a value."""
        return LEFT + (value - self.x_low) / (self.x_high - self.x_low) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Ordinate of a value."""
        span = self.height - TOP - BOTTOM
        return TOP + (self.y_high - value) / (self.y_high - self.y_low) * span


def line_chart(lines: Sequence[Line], *, title: str, x_name: str, height: float = 260) -> Markup | None:
    """Draw lines with their last values written at their ends; None where no line has a finite point."""
    lines = [Line(line.name, _finite(line.points), line.style) for line in lines]
    lines = [line for line in lines if line.points]
    if not lines:
        return None
    ends = "; ".join(f"{line.name} from {short(line.points[0][1])} to {short(line.points[-1][1])}" for line in lines)
    root = svg.drawing(WIDTH, height, title=title, description=ends, css="chart")
    y_ticks = ticks([y for line in lines for _, y in line.points])
    xs = [x for line in lines for x, _ in line.points]
    x_low, x_high = min(xs), max(xs) if max(xs) > min(xs) else min(xs) + 1
    frame = _Frame(height, x_low, x_high, y_ticks[0], y_ticks[-1])
    _axes(root, frame, y_ticks, x_name, whole_ticks(x_low, max(xs)))
    labels = _apart([frame.y(line.points[-1][1]) for line in lines])
    for line, label_y in zip(lines, labels, strict=True):
        _line(root, frame, line, label_y)
    return svg.markup(root)


def ticks(values: Sequence[float]) -> list[float]:
    """Round values that enclose `values`, about TICKS steps apart."""
    low, high = min(values), max(values)
    span = high - low or abs(high) or 1.0
    raw = span / TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * i for i in range(first, max(last, first + 1) + 1)]


def whole_ticks(low: float, high: float) -> list[int]:
    """At most seven whole numbers over [low, high]."""
    step = next(s for s in (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 10**6) if (high - low) / s <= 6)
    return [n for n in range(math.ceil(low), math.floor(high) + 1) if n % step == 0]


def short(value: float) -> str:
    """Three significant digits, without a power of ten where that reads better."""
    if value and not 1e-3 <= abs(value) < 1e5:
        mantissa, power = f"{value:.2e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(power)}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _finite(points: Sequence[Point]) -> tuple[Point, ...]:
    return tuple((x, y) for x, y in points if math.isfinite(y))


def _apart(positions: Sequence[float], gap: float = 15.0) -> list[float]:
    """The positions moved apart until labels at them no longer touch, in their order."""
    placed: dict[int, float] = {}
    floor = -math.inf
    for index in sorted(range(len(positions)), key=lambda i: positions[i]):
        floor = max(positions[index], floor + gap)
        placed[index] = floor
    return [placed[i] for i in range(len(positions))]


def _axes(root: ET.Element, frame: _Frame, y_ticks: list[float], x_name: str, x_ticks: list[int]) -> None:
    right, base = WIDTH - RIGHT, frame.height - BOTTOM
    for value in y_ticks:
        y = frame.y(value)
        svg.add(root, "path", css="gridline", d=f"M{LEFT} {svg.number(y)}H{right}")
        svg.add(root, "text", short(value), css="tick", x=LEFT - 7, y=y + 4, text_anchor="end")
    for tick in x_ticks:
        svg.add(root, "text", str(tick), css="tick", x=frame.x(tick), y=base + 16, text_anchor="middle")
    svg.add(root, "path", css="axis", d=f"M{LEFT} {base:g}H{right}")
    svg.add(root, "text", x_name, css="tick", x=(LEFT + right) / 2, y=base + 31, text_anchor="middle")


def _line(root: ET.Element, frame: _Frame, line: Line, label_y: float) -> None:
    at = [(svg.number(frame.x(x)), svg.number(frame.y(y))) for x, y in line.points]
    group = svg.add(root, "g", css=f"line {line.style}")
    svg.add(group, "path", d="M" + "L".join(f"{x} {y}" for x, y in at))
    if len(at) <= 40:
        for (x, y), (epoch, value) in zip(at, line.points, strict=True):
            dot = svg.add(group, "circle", cx=x, cy=y, r=2.4)
            svg.add(dot, "title", f"{line.name}, {epoch:g}: {short(value)}")
    x_end = WIDTH - RIGHT + 7
    svg.add(group, "text", f"{line.name} {short(line.points[-1][1])}", x=x_end, y=label_y + 4)
