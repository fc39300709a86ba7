"""Derive pipeline/emulator/statistics.json from the small real files (NOLDO_REAL, or ../shared/real).

What is done, and why it is not simply the mean of each label:

* The Dynamic World labels of the pixel table are noisy, and label 0 stands for "no label" as often as for water
  (its median NDVI, 0.24, is that of land). Rows are first cleaned: no cloud (B2 < 2200), VV within -30..5 dB. Then each
  class keeps the rows that its name allows (CORE below): trees NDVI > 0.30, grass 0.25..0.60, shrub 0.12..0.40, bare
  NDVI < 0.22, built NDVI < 0.40. Medians a season and 1.4826 x MAD are taken of what is left; the correlation is of
  ranks, turned to Pearson's by 2 sin(pi r / 6), and made positive definite.
* Crops. The table's crops are fallow or desert (NDVI 0.15). They are kept as the fallow state; the green state is what
  is labelled grass, crops or shrub with NDVI > 0.5. The emulator mixes the two a field at a time.
* Water. The table holds no open water (two clear rows have NDWI > 0.2 and B8 < 900). Its B2..B4 are the 2 % quantile of
  clean land rows, i.e. path radiance and little else; B5..B12 fall off as water's absorption does (WATER_SHARE of the
  2 % quantile); radar is the sea at moderate wind, VV -18 dB, VH -26 dB (stated, not derived).
* Flooded vegetation: 45 +- 20 % water, the rest the mean of grass and trees, in DN; radar 1 dB
  above grass in VV (double bounce).
* Snow and ice: rows with MNDWI > 0.4 and B2 > 2500, whatever their label (snow-free rows labelled snow are left out).
* B1 follows B2 along a line fitted to the Togo file's clear months, B10 is their level. B9 over B8A is taken from both
  files: the dry end (west US) and the humid end (Togo).
* All spreads of radar have the spread of 4.4-look speckle (2.13 dB) taken out, since the emulator puts it back.

Run:  python benchmarks/derive_planet_statistics.py
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import rasterio
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
REAL = Path(os.environ.get("NOLDO_REAL", ROOT.parent / "shared" / "real"))
TARGET = ROOT / "pipeline" / "emulator" / "statistics.json"

TABLE_BANDS = ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
RADAR = ("VV", "VH")
NAMES = ("water", "trees", "grass", "flooded", "crops", "shrub", "built", "bare", "snow", "green_crops")
SPECKLE_DB = 2.13
SHARE_SPREAD = 0.20
CORE = {1: (0.30, 1.0), 2: (0.25, 0.60), 4: (-1.0, 0.22), 5: (0.12, 0.40), 6: (-1.0, 0.40), 7: (-1.0, 0.22)}
WATER_SHARE = {"B5": 0.60, "B6": 0.38, "B7": 0.33, "B8": 0.30, "B8A": 0.26, "B11": 0.22, "B12": 0.24}

Frame = pd.DataFrame
Figures = dict[str, Any]


def spread(values: Frame) -> NDArray[np.float64]:
    """Robust standard deviation of each column."""
    deviation = (values - values.median()).abs().median()
    return np.asarray(1.4826 * deviation, dtype=np.float64)


def rank_correlation(values: Frame) -> NDArray[np.float64]:
    """Pearson's correlation from ranks, nearest positive definite."""
    pearson = 2 * np.sin(np.pi / 6 * values.corr(method="spearman").to_numpy())
    level, vectors = np.linalg.eigh(pearson)
    fixed = (vectors * np.clip(level, 1e-3, None)) @ vectors.T
    scale = np.sqrt(np.diag(fixed))
    return np.asarray(fixed / np.outer(scale, scale))


def describe(rows: Frame) -> Figures:
    """Seasonal medians (December to February first), spreads and correlation of one class."""
    season = (rows["month"].to_numpy() % 12) // 3
    overall = rows[list(TABLE_BANDS)].median()
    radar = rows[list(RADAR)].median()
    optical, backscatter = [], []
    for number in range(4):
        part = rows[season == number]
        trust = len(part) / (len(part) + 15.0)
        middle = part[list(TABLE_BANDS)].median().fillna(overall)
        echo = part[list(RADAR)].median().fillna(radar)
        optical.append([round(float(v)) for v in trust * middle + (1 - trust) * overall])
        backscatter.append([round(float(v), 2) for v in trust * echo + (1 - trust) * radar])
    radar_spread = np.sqrt(np.maximum(spread(rows[list(RADAR)]) ** 2 - SPECKLE_DB**2, 0.8**2))
    return {
        "rows": len(rows),
        "optical": optical,
        "optical_spread": [round(float(v)) for v in spread(rows[list(TABLE_BANDS)])],
        "correlation": np.round(rank_correlation(rows[list(TABLE_BANDS)]), 3).tolist(),
        "radar": backscatter,
        "radar_spread": [round(float(v), 2) for v in radar_spread],
        "radar_correlation": round(float(rank_correlation(rows[list(RADAR)])[0, 1]), 3),
    }


def water(clean: Frame, grass: Figures) -> Figures:
    """Open water from the dark end of the table; see the module's docstring."""
    dark = clean[list(TABLE_BANDS)].quantile(0.02)
    level = [round(float(dark[band]) * WATER_SHARE.get(band, 1.0)) for band in TABLE_BANDS]
    share = [0.12, 0.18, 0.22, 0.22, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2]
    return {
        "rows": 0,
        "optical": [level] * 4,
        "optical_spread": [round(v * s) for v, s in zip(level, share, strict=True)],
        "correlation": grass["correlation"],
        "radar": [[-18.0, -26.0]] * 4,
        "radar_spread": [2.2, 1.6],
        "radar_correlation": 0.6,
    }


def flooded(wet: Figures, grass: Figures, trees: Figures) -> Figures:
    """Flooded vegetation as a mixture."""
    plants = (np.array(grass["optical"]) + np.array(trees["optical"])) / 2
    mixed = 0.45 * np.array(wet["optical"]) + 0.55 * plants
    contrast = (plants - np.array(wet["optical"])).mean(axis=0)
    wide = np.hypot(grass["optical_spread"], SHARE_SPREAD * contrast)
    return {
        **grass,
        "rows": 0,
        "optical": np.rint(mixed).astype(int).tolist(),
        "optical_spread": np.rint(wide).astype(int).tolist(),
        "radar_spread": [2.2, 2.2],
        "radar": np.round(np.array(grass["radar"]) + np.array([1.0, 0.0]), 2).tolist(),
    }


def togo() -> Figures:
    """B1 and B10 on B2, and B9 over B8A, of the clear months of the Togo file."""
    with rasterio.open(REAL / "s1_s2_l1c_monthly_togo.tif") as raster:
        names, pixels = list(raster.descriptions), raster.read()
    months = []
    for month in range(12):
        suffix = "" if month == 0 else f"_{month}"
        band = {b: pixels[names.index(b + suffix)].ravel() for b in ("B1", "B2", "B8A", "B9", "B10")}
        if np.median(band["B10"]) < 60.0:
            months.append(band)
    joined = {b: np.concatenate([m[b] for m in months]) for b in months[0]}
    slope, offset = np.polyfit(joined["B2"], joined["B1"], 1)
    cirrus = np.median(joined["B10"])
    return {
        "b1_slope": round(float(slope), 3),
        "b1_offset": round(float(offset)),
        "b1_residual": round(float(np.std(joined["B1"] - slope * joined["B2"] - offset))),
        "b9_ratio_humid": round(float(np.median(joined["B9"] / joined["B8A"])), 3),
        "b10": round(float(cirrus), 1),
        "b10_spread": round(float(1.4826 * np.median(np.abs(joined["B10"] - cirrus))), 1),
    }


def main() -> None:
    """Write the figures."""
    table = pd.read_parquet(REAL / "s1_s2_dw_pixels_west_us.parquet")
    ndvi = (table.B8 - table.B4) / (table.B8 + table.B4)
    mndwi = (table.B3 - table.B11) / (table.B3 + table.B11)
    clean_mask = (table.B2 < 2200) & table.VV.between(-30, 5) & (mndwi < 0.2)
    clean = table[clean_mask]
    classes: dict[str, Figures] = {}
    for code, (low, high) in CORE.items():
        keep = clean_mask & (table.dw_label == code) & ndvi.between(low, high)
        classes[NAMES[code]] = describe(table[keep])
    green = clean_mask & table.dw_label.isin([2, 4, 5]) & (ndvi > 0.5)
    classes["green_crops"] = describe(table[green])
    classes["snow"] = describe(table[(mndwi > 0.4) & (table.B2 > 2500) & table.VV.between(-30, 5)])
    classes["water"] = water(clean, classes["grass"])
    classes["flooded"] = flooded(classes["water"], classes["grass"], classes["trees"])
    vapour = {**togo(), "b9_ratio_dry": round(float((clean.B9 / clean.B8A).median()), 3)}
    result = {
        "bands": list(TABLE_BANDS),
        "seasons": ["DJF", "MAM", "JJA", "SON"],
        "classes": {name: classes[name] for name in NAMES},
        "atmosphere": vapour,
    }
    TARGET.write_text(json.dumps(result, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
