"""`noldo emulator check`: the planet beside a table of real pixels, at the same places and in the same months."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from pipeline.emulator.check_figures import BANDS, FEATURES, Sample, Spread, separability, spreads
from pipeline.emulator.noise import hashed, key
from pipeline.emulator.planet import Planet
from pipeline.emulator.scene import DW_COLLECTION, S1_COLLECTION, S2_COLLECTION, EmulatedScene
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PixelGrid, transformer
from pipeline.schema.landcover import DW_CLASSES

COLUMNS: Final = (*BANDS, "dw_label", "month", "lat", "lon")
YEAR: Final = 2020
"""The table gives months without a year."""
WINDOW_PX: Final = 48
"""Side of the window that is drawn around each place; 480 m, a multiple of 60 m."""
CLOUD_B2_DN: Final = 2500.0
"""Pixels brighter than this in B2 are clouds or snow and left out on both sides, except those labelled snow."""


@dataclass(frozen=True, eq=False)
class CheckTable:
    """The planet beside the real pixels."""

    real: dict[tuple[int, str], Spread]
    """By class and feature."""
    labelled: dict[tuple[int, str], Spread]
    """The planet's pixels, grouped by the annotator's label: what the real ones compare with."""
    true: dict[tuple[int, str], Spread]
    """The same pixels, grouped by the planet's true cover."""
    real_apart: dict[tuple[int, int], float]
    """By pair of classes: area under the ROC curve of a linear discriminant."""
    labelled_apart: dict[tuple[int, int], float]
    true_apart: dict[tuple[int, int], float]
    agreement: float
    """Share of the drawn pixels whose label is true."""


def check_planet(planet: Planet, real: Path) -> CheckTable:
    """Draw the planet at the places and months of a table of real pixels and set the two side by side.

    Each place and month gives as many pixels as it has rows, from the least cloudy labelled scene of the month and a
    radar scene of that month. Raises UsageError where the table cannot be read.
    """
    table = _read_table(real)
    real_sample = _keep(Sample(table[list(BANDS)].to_numpy(np.float64), table["dw_label"].to_numpy(np.int64)))
    parts = list(_drawn(planet, table))
    if not parts:
        raise UsageError(f"the planet has no clear scene at any place and month of {real}; try another --seed")
    values = np.concatenate([part[0] for part in parts])
    label, truth = (np.concatenate([part[k] for part in parts]) for k in (1, 2))
    labelled, true = _keep(Sample(values, label)), _keep(Sample(values, truth))
    return CheckTable(
        real=spreads(real_sample), labelled=spreads(labelled), true=spreads(true),
        real_apart=separability(real_sample), labelled_apart=separability(labelled),
        true_apart=separability(true), agreement=float(np.mean(label == truth)),
    )  # fmt: skip


def format_check(table: CheckTable) -> str:
    """The check as plain text: medians and spreads, then how well classes can be told apart."""
    names = {item.code: item.name for item in DW_CLASSES}
    lines = [
        "median (spread) by class: real | planet by its label | planet by its truth",
        f"{'class':<19}{'feature':<8}{'real':>18}{'label':>18}{'truth':>18}",
    ]
    for code, name in names.items():
        for feature in FEATURES:
            cells = [_cell(side.get((code, feature))) for side in (table.real, table.labelled, table.true)]
            if any(cell != "-" for cell in cells):
                lines.append(f"{name:<19}{feature:<8}" + "".join(f"{cell:>18}" for cell in cells))
    lines += ["", "how well two classes can be told apart (0.5 chance, 1 perfect): real | label | truth"]
    for pair in sorted({*table.real_apart, *table.true_apart}):
        sides = [side.get(pair) for side in (table.real_apart, table.labelled_apart, table.true_apart)]
        figures = "".join(f"{'-' if side is None else format(side, '.2f'):>8}" for side in sides)
        lines.append(f"{names[pair[0]]:<19}{names[pair[1]]:<19}{figures}")
    lines += ["", f"labels that are true: {table.agreement:.1%}"]
    return "\n".join(lines)


def check_json(table: CheckTable) -> dict[str, Any]:
    """The check as one JSON object."""

    def figures(side: Mapping[tuple[int, str], Spread]) -> list[dict[str, Any]]:
        return [
            {"class": code, "feature": name, "pixels": f.pixels, "median": f.median, "spread": f.spread}
            for (code, name), f in side.items()
        ]

    def pairs(side: Mapping[tuple[int, int], float]) -> list[dict[str, Any]]:
        return [{"classes": list(pair), "area": area} for pair, area in side.items()]

    return {
        "real": figures(table.real),
        "planet_by_label": figures(table.labelled),
        "planet_by_truth": figures(table.true),
        "apart_real": pairs(table.real_apart),
        "apart_by_label": pairs(table.labelled_apart),
        "apart_by_truth": pairs(table.true_apart),
        "label_agreement": table.agreement,
    }


def run_check(real: Path, seed: int) -> str:
    """The check of a seed's planet as plain text."""
    return format_check(check_planet(Planet(seed), real))


def _cell(figure: Spread | None) -> str:
    if figure is None:
        return "-"
    digits = 0 if abs(figure.median) > 50 else 2
    return f"{figure.median:.{digits}f} ({figure.spread:.{digits}f})"


def _read_table(real: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(real)
    except (OSError, ValueError) as error:
        raise UsageError(f"{real} cannot be read as Parquet ({error}); give such a table of pixels") from error
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise UsageError(f"{real} lacks the columns {', '.join(missing)}; it needs {', '.join(COLUMNS)}")
    return table


def _keep(sample: Sample) -> Sample:
    """Drop clouds, and backscatter that was not observed."""
    b2, vv = sample.values[:, BANDS.index("B2")], sample.values[:, BANDS.index("VV")]
    snow = sample.label == len(DW_CLASSES) - 1
    good = ((b2 < CLOUD_B2_DN) | snow) & (vv > -30.0) & (vv < 5.0)
    return Sample(sample.values[good], sample.label[good])


def _drawn(
    planet: Planet, table: pd.DataFrame
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]]:
    """Values, labels and truths of the pixels drawn at each place and month."""
    for _, rows in table.groupby(["lon", "lat", "month"]):
        lon, lat, month = (rows[name].iloc[0].item() for name in ("lon", "lat", "month"))
        start = datetime(YEAR, month, 1, tzinfo=UTC)
        end = datetime(YEAR + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        # The box holds every window snapped around the place, in whatever zone its scene has.
        box = shapely.Point(lon, lat).buffer(0.012).envelope
        covers = [s for s in planet.search(DW_COLLECTION, box, start, end) if s.footprint.contains(box)]
        radar = [s for s in planet.search(S1_COLLECTION, box, start, end) if s.footprint.contains(box)]
        radar = [s for s in radar if "VH" in s.bands]
        optical = [s for s in (planet.scene(f"{S2_COLLECTION}/{d.index}") for d in covers) if s is not None]
        if not optical or not radar:
            continue
        scene = min(optical, key=lambda s: float(str(s.properties["CLOUDY_PIXEL_PERCENTAGE"])))
        label_scene = next(d for d in covers if d.index == scene.index)
        where = hashed(key(planet.seed, "check", scene.index), np.arange(len(rows)), np.zeros(len(rows), np.int64))
        yield _pixels(planet, scene, label_scene, radar[0], (lon, lat), where)


def _pixels(
    planet: Planet, scene: EmulatedScene, label_scene: EmulatedScene, radar: EmulatedScene,
    place: tuple[float, float], where: NDArray[np.uint64],
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """Pixels of a window around a place (lon, lat) of the optical scene, chosen by hashed bits."""
    window = _window(scene, place)
    column = (where % np.uint64(WINDOW_PX)).astype(np.int64)
    row = ((where >> np.uint64(20)) % np.uint64(WINDOW_PX)).astype(np.int64)
    values = np.empty((len(where), len(BANDS)))
    for pixel_m in (10.0, 20.0, 60.0):
        factor = round(pixel_m / 10)
        side = WINDOW_PX // factor
        names = [b for b in BANDS if scene.bands.get(b) == pixel_m]
        native = PixelGrid(window.epsg, window.left_m, window.top_m, side, side, pixel_m)
        for name, block in planet.read(scene, names, native).items():
            values[:, BANDS.index(name)] = block.values[row // factor, column // factor]
    echoes = planet.read(radar, ["VV", "VH"], _window(radar, place))
    for name, block in echoes.items():
        values[:, BANDS.index(name)] = block.values[_rows_in(window, radar, place, row, column)]
    label = planet.read(label_scene, ["label"], window)["label"]
    truth = planet.truth(window, scene.time)
    seen = label.valid[row, column]
    chosen = label.values[row, column].astype(np.int64)
    return values[seen], chosen[seen], truth[row, column].astype(np.int64)[seen]


def _window(scene: EmulatedScene, place: tuple[float, float]) -> PixelGrid:
    """The window around a place on the 60 m lattice of a scene."""
    x, y = transformer(4326, scene.grid.epsg).transform(*place)
    step, half = 60.0, WINDOW_PX * 5.0
    left = scene.grid.left_m + np.floor((x - half - scene.grid.left_m) / step) * step
    top = scene.grid.top_m - np.floor((scene.grid.top_m - y - half) / step) * step
    return PixelGrid(scene.grid.epsg, float(left), float(top), WINDOW_PX, WINDOW_PX)


def _rows_in(
    window: PixelGrid, radar: EmulatedScene, place: tuple[float, float],
    row: NDArray[np.int64], column: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:  # fmt: skip
    """The radar window's nearest pixels to those of the optical window."""
    x, y = window.centres_m()
    easting, northing = transformer(window.epsg, radar.grid.epsg).transform(x[column], y[row])
    target = _window(radar, place)
    rows = np.floor((target.top_m - np.asarray(northing)) / 10.0).astype(np.int64)
    columns = np.floor((np.asarray(easting) - target.left_m) / 10.0).astype(np.int64)
    return np.clip(rows, 0, WINDOW_PX - 1), np.clip(columns, 0, WINDOW_PX - 1)
