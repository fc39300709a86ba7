"""The planet's true land cover: nine classes on the shared plane, from 30 m details to whole landscapes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipeline.emulator.cities import cities
from pipeline.emulator.climate import Climate, climate, temperature
from pipeline.emulator.coast import coast
from pipeline.emulator.frame import Frame, purpose
from pipeline.emulator.noise import Float, units
from pipeline.emulator.parcels import Parcels, parcels
from pipeline.schema.grid import PixelGrid

WATER, TREES, GRASS, FLOODED, CROPS, SHRUB, BUILT, BARE, SNOW = range(9)
Classes = NDArray[np.uint8]

SNOW_BELOW_C: Final = -2.5
"""Open ground lies under snow on days colder than this, give or take local noise of 2 degrees."""


@dataclass(frozen=True, eq=False)
class Ground:
    """What lies in a window, whatever the day; the sensors and the annotator look at this."""

    frame: Frame
    climate: Climate
    cover: Classes
    """(height, width) land cover without snow."""
    parcel: Float
    """0..1, equal within a parcel: a crop's calendar, a roof's tone."""
    tone: Float
    """0..1, equal within a parcel, independent of `parcel`."""
    chill: Float
    """Local departure from the day's temperature, degrees."""


@dataclass(frozen=True, eq=False)
class _Fine:
    """Unit-variance noise at the pixels, by the size of its features."""

    m260: Float
    m170: Float
    m110: Float
    m50: Float


def ground(seed: int, grid: PixelGrid) -> Ground:
    """Everything about a window that no day changes."""
    frame = Frame.of(grid)
    state = climate(seed, frame)
    fine = _Fine(*(frame.fine(purpose(seed, f"fine-{cell}"), cell) for cell in (260.0, 170.0, 110.0, 50.0)))
    plots = parcels(seed, frame)
    urban = _urban(seed, frame)
    cover = _vegetation(seed, frame, state, fine)
    _put_fields(seed, frame, state, fine, plots, urban, cover)
    _put_settlement(seed, frame, fine, plots, urban, cover)
    _put_water(seed, frame, state, fine, plots, cover)
    return Ground(
        frame=frame, climate=state, cover=cover,
        parcel=units(plots.bits << np.uint64(16)), tone=units(plots.bits << np.uint64(36)),
        chill=np.float32(1.2) * fine.m260 + np.float32(0.8) * fine.m110,
    )  # fmt: skip


def cover_at(land: Ground, time: datetime) -> Classes:
    """The land cover of a day: snow lies on open ground where it is cold enough; woods shed most of it."""
    day = land.frame.lift(temperature(land.climate, time)) + land.chill
    open_ground = np.isin(land.cover, (GRASS, FLOODED, CROPS, SHRUB, BARE))
    snowed = (open_ground & (day < SNOW_BELOW_C)) | ((land.cover == TREES) & (day < SNOW_BELOW_C - 14.0))
    return np.where(snowed, np.uint8(SNOW), land.cover)


def _urban(seed: int, frame: Frame) -> Float:
    """Urban density at the nodes: real cities, and hamlets where cities are not too far."""
    density = cities().density(frame.node_lon, frame.node_lat)
    hamlets = frame.slow(purpose(seed, "hamlets"), (2_200.0, 900.0), (1.0, 0.8))
    total: Float = density + 0.75 * np.clip(hamlets - 0.7, 0.0, 1.0) * np.clip(0.45 + density, 0.0, 1.0)
    return total


def _vegetation(seed: int, frame: Frame, state: Climate, fine: _Fine) -> Classes:
    """Trees, grass, shrub and bare ground from humidity, cold and noise."""
    lush = state.humidity - 0.035 * np.maximum(0.0, 2.0 - state.warmth)
    woods = frame.slow(purpose(seed, "woods"), (9_000.0, 3_000.0, 1_000.0), (1.0, 0.9, 0.7))
    openness = frame.slow(purpose(seed, "open"), (7_000.0, 2_400.0, 800.0), (1.0, 0.9, 0.7))
    tree = frame.lift(0.75 * lush + 0.62 * woods + 0.15 * state.relief)
    tree += 0.24 * fine.m260 + 0.20 * fine.m110 + 0.14 * fine.m50
    dry = frame.lift(-0.85 * lush + 0.60 * openness)
    dry += 0.22 * fine.m170 - 0.18 * fine.m110 + 0.12 * fine.m50
    cover = np.where(dry > 0.05, np.uint8(SHRUB), np.uint8(GRASS))
    cover[dry > 0.85] = BARE
    cover[tree > 0.42] = TREES
    return cover


def _put_fields(
    seed: int, frame: Frame, state: Climate, fine: _Fine, plots: Parcels, urban: Float, cover: Classes
) -> None:
    """Farm land in parcels: mostly crops, some meadow, fallow, copse, with hedges between."""
    fertile = frame.slow(purpose(seed, "fertile"), (14_000.0, 4_500.0, 1_500.0), (1.0, 0.9, 0.5))
    suited = 0.8 * fertile + 0.5 * np.minimum(urban, 0.6) - 0.28 * np.abs(state.relief)
    suited -= 0.55 * np.maximum(0.0, np.abs(state.humidity - 0.15) - 0.35)
    suited -= 0.10 * np.maximum(0.0, 3.0 - state.warmth)
    farm = frame.lift(suited.astype(np.float32)) + 0.15 * fine.m170 > -0.02
    use = units(plots.bits)
    cover[farm & (use < 0.74)] = CROPS
    cover[farm & (use >= 0.74) & (use < 0.86)] = GRASS
    cover[farm & (use >= 0.86) & (use < 0.90)] = BARE
    hedge = farm & (plots.edge_m < 16.0) & ((plots.bits & np.uint64(3)) == 1)
    cover[hedge] = np.where(frame.lift(state.humidity)[hedge] > -0.3, np.uint8(TREES), np.uint8(SHRUB))


def _put_settlement(seed: int, frame: Frame, fine: _Fine, plots: Parcels, urban: Float, cover: Classes) -> None:
    """Built land, with parks and yards in it, and roads between settlements."""
    density = frame.lift(urban)
    built = density + 0.20 * fine.m260 - 0.16 * fine.m110 + 0.14 * fine.m50 > 0.72
    use = units(plots.bits << np.uint64(8))
    yard = use > np.where(density < 1.6, np.float32(0.84), np.float32(0.93))
    cover[built & ~yard] = BUILT
    park = built & yard & (fine.m170 > 0.0)
    cover[park] = TREES
    cover[built & yard & ~park] = GRASS
    main, _ = frame.distance_to_contour(purpose(seed, "roads"), 5_500.0)
    lanes, _ = frame.distance_to_contour(purpose(seed, "lanes"), 2_100.0)
    road = np.abs(frame.lift(main)) < 16.0
    road &= density > 0.05
    road |= (np.abs(frame.lift(lanes)) < 12.0) & (density > 0.35)
    cover[road] = BUILT


def _put_water(seed: int, frame: Frame, state: Climate, fine: _Fine, plots: Parcels, cover: Classes) -> None:
    """The sea along the real coast, rivers, lakes, and the flooded vegetation beside them."""
    shore = frame.slow(purpose(seed, "shore"), (2_600.0, 900.0), (1.0, 0.7))
    wet_nodes = frame.slow(purpose(seed, "wet"), (11_000.0, 3_500.0, 1_200.0), (1.0, 0.8, 0.6))
    wet_nodes = wet_nodes + 0.55 * np.clip(state.humidity, -1.2, 0.9) - 0.25 * state.relief
    wet = frame.lift(wet_nodes) + 0.18 * fine.m170 + 0.15 * fine.m110
    valley, _ = frame.distance_to_contour(purpose(seed, "rivers"), 8_500.0)
    ample = frame.slow(purpose(seed, "flow"), (20_000.0, 5_000.0)) + 0.9 * state.humidity
    bend = 55.0 * fine.m260 + 16.0 * fine.m110
    width = frame.lift(np.clip(45.0 + 45.0 * ample, 0.0, 240.0).astype(np.float32))
    to_river = np.abs(frame.lift(valley) + bend) - width
    basin = frame.slow(purpose(seed, "lakes"), (5_000.0, 1_700.0), (1.0, 0.7)) + 0.22 * state.humidity
    lake = frame.lift(basin) + 0.10 * fine.m260 + 0.07 * fine.m110
    share = frame.lift(coast().land_share(frame.node_lon, frame.node_lat))
    land = share + 0.20 * frame.lift(shore) * (share * (1.0 - share) * 4.0)
    land = land + (0.05 * fine.m260 + 0.03 * fine.m110) * (share * (1.0 - share) * 4.0)
    natural = cover != BUILT
    marsh = (wet > 1.85) | ((to_river < 130.0) & (wet > 0.75)) | ((lake > 1.76) & (wet > 0.3))
    marsh |= (land < 0.72) & (wet > 0.75)
    paddy = (wet > 1.35) & (cover == CROPS) & ((plots.bits & np.uint64(1)) == 0)
    cover[(marsh & natural) | paddy] = FLOODED
    cover[(to_river < 0.0) | (lake > 1.95) | (land < 0.5)] = WATER
