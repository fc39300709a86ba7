"""OpenStreetMap land use against Dynamic World: how far two independent labels of one tile agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.schema.landcover import IGNORE, N_DW_CLASSES, OSM_ADMITS
from pipeline.schema.strict import Strict
from pipeline.schema.tiles import Split, TileAgreement

N_OSM: Final = len(OSM_ADMITS)

THRESHOLDS: Final = tuple(at / 20 for at in range(6, 19))
"""Where the curve of kept tiles is read: 0.30, 0.35, ... 0.90."""

NO_LABEL: Final = "no OSM label"
NOT_BOTH: Final = "too few pixels labelled by both"
DISAGREE: Final = "OSM and DW disagree"
BY_HAND: Final = "dropped by hand"

Confusion = NDArray[np.int64]
"""(13, 9) pixels, rows OSM class 1..13, columns DW class 0..8."""


class AgreementSettings(Strict):
    """Which tiles the agreement check keeps."""

    threshold: float = Field(default=0.5, ge=0, le=1)
    """Least overall accuracy. Ours: the one that NoLDO-S12 was made with is not known, so the report gives the number
    of tiles at every threshold from 0.3 to 0.9."""
    min_coverage: float = Field(default=0.01, ge=0, le=1)
    """Least share of a tile's pixels that both label, below which an accuracy says little of the tile. Ours."""


@dataclass(frozen=True)
class CurvePoint:
    """How many tiles one threshold keeps."""

    threshold: float
    kept: int
    by_split: tuple[int, ...]
    """Of each published split, train and test."""


@dataclass(frozen=True)
class ClassPair:
    """An OSM class on a DW class that it does not admit."""

    osm: int
    dw: int
    pixels: int
    share: float
    """Of the pixels of that OSM class that both label, 0..1."""
    tiles: int
    """Tiles where the two meet."""


def confusion(dw_HW: NDArray[np.uint8], osm_HW: NDArray[np.uint8]) -> Confusion:
    """Count the pixels that both label, (13, 9), by OSM class 1..13 and DW class 0..8.

    Both are (height, width) with IGNORE where there is no label. Raises ValueError for other codes or shapes.
    """
    if dw_HW.shape != osm_HW.shape:
        raise ValueError(f"the DW labels have shape {dw_HW.shape}, the OSM labels {osm_HW.shape}")
    both = (dw_HW != IGNORE) & (osm_HW != IGNORE)
    dw, osm = dw_HW[both].astype(np.int64), osm_HW[both].astype(np.int64)
    if dw.size and not (dw.max() < N_DW_CLASSES and osm.min() >= 1 and osm.max() <= N_OSM):
        raise ValueError(
            f"expected DW classes 0..{N_DW_CLASSES - 1} and OSM classes 1..{N_OSM}, found DW up to {dw.max()} and OSM "
            f"{osm.min()}..{osm.max()}"
        )
    counted = np.bincount((osm - 1) * N_DW_CLASSES + dw, minlength=N_OSM * N_DW_CLASSES)
    return counted.reshape(N_OSM, N_DW_CLASSES)


def admitted(admits: Mapping[int, frozenset[int]] = OSM_ADMITS) -> NDArray[np.bool_]:
    """The table as (13, 9) of whether an OSM class admits a DW class."""
    table = np.zeros((N_OSM, N_DW_CLASSES), bool)
    for osm, classes in admits.items():
        table[osm - 1, sorted(classes)] = True
    return table


def overall_accuracy(counted: Confusion, admits: Mapping[int, frozenset[int]] = OSM_ADMITS) -> float | None:
    """Share of the pixels that both label whose OSM class admits the DW class, 0..1; None where there are none."""
    total = int(counted.sum())
    return int(counted[admitted(admits)].sum()) / total if total else None


def agreement(
    tile_id: str,
    split: Split,
    dw_HW: NDArray[np.uint8],
    osm_HW: NDArray[np.uint8],
    settings: AgreementSettings,
    *,
    admits: Mapping[int, frozenset[int]] = OSM_ADMITS,
    corrected: bool = False,
    dropped: str | None = None,
) -> TileAgreement:
    """Compare the labels of one tile, both (height, width), and say whether it is kept.

    `dropped` is why a person dropped it, whatever the figures say; None where nobody did.
    """
    counted = confusion(dw_HW, osm_HW)
    coverage = int(counted.sum()) / dw_HW.size
    osm_share = int((osm_HW != IGNORE).sum()) / osm_HW.size
    accuracy = overall_accuracy(counted, admits)
    reason, detail = _verdict(accuracy, coverage, osm_share, settings)
    if dropped is not None:
        reason, detail = BY_HAND, dropped
    return TileAgreement(
        tile_id=tile_id,
        split=split,
        overall_accuracy=accuracy,
        coverage=coverage,
        osm_share=osm_share,
        confusion=tuple(int(n) for n in counted.ravel()),
        kept=not reason,
        reason=reason,
        detail=detail,
        corrected=corrected,
    )


def _verdict(accuracy: float | None, coverage: float, osm_share: float, settings: AgreementSettings) -> tuple[str, str]:
    if osm_share == 0:
        return NO_LABEL, ""
    if accuracy is None:
        return NOT_BOTH, "no pixel has both"
    if coverage < settings.min_coverage:
        return NOT_BOTH, f"share {_short_of(coverage, settings.min_coverage)}"
    if accuracy < settings.threshold:
        return DISAGREE, f"overall accuracy {_short_of(accuracy, settings.threshold)}"
    return "", ""


def _short_of(share: float, least: float) -> str:
    """The two shares with as many digits as tell them apart."""
    digits = next((n for n in range(6, 17) if f"{share:.{n}g}" != f"{least:.{n}g}"), 17)
    return f"{share:.{digits}g} < {least:.{digits}g}"


def kept_curve(
    tiles: Sequence[TileAgreement],
    settings: AgreementSettings,
    splits: Sequence[Split],
    thresholds: Sequence[float] = THRESHOLDS,
) -> tuple[CurvePoint, ...]:
    """How many tiles each threshold would keep, with the same least coverage and the same tiles dropped by hand."""
    points = []
    for threshold in thresholds:
        kept = [tile.split for tile in tiles if _passes(tile, threshold, settings.min_coverage)]
        points.append(CurvePoint(threshold, len(kept), tuple(kept.count(split) for split in splits)))
    return tuple(points)


def _passes(tile: TileAgreement, threshold: float, min_coverage: float) -> bool:
    known = tile.overall_accuracy is not None and tile.reason != BY_HAND
    return known and tile.coverage >= min_coverage and (tile.overall_accuracy or 0.0) >= threshold


def total_confusion(tiles: Sequence[TileAgreement]) -> Confusion:
    """The pixels of all tiles together, (13, 9)."""
    total = np.zeros((N_OSM, N_DW_CLASSES), np.int64)
    for tile in tiles:
        total += np.array(tile.confusion, np.int64).reshape(total.shape)
    return total


def worst_pairs(
    tiles: Sequence[TileAgreement], most: int = 10, admits: Mapping[int, frozenset[int]] = OSM_ADMITS
) -> tuple[ClassPair, ...]:
    """The classes that contradict each other on the most pixels, the worst first."""
    total = total_confusion(tiles)
    of_class = total.sum(axis=1)
    meet = np.zeros(total.shape, np.int64)
    for tile in tiles:
        meet += np.array(tile.confusion, np.int64).reshape(total.shape) > 0
    against = np.where(admitted(admits), 0, total)
    order = sorted(zip(*np.nonzero(against), strict=True), key=lambda at: (-int(against[at]), at))
    return tuple(
        ClassPair(int(o) + 1, int(d), int(total[o, d]), int(total[o, d]) / int(of_class[o]), int(meet[o, d]))
        for o, d in order[:most]
    )
