"""How the ground varies within a class: slow regional hues, patches, parcels, fine grain, and slopes."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from pipeline.emulator.frame import Frame, purpose
from pipeline.emulator.noise import Float, hashed, units
from pipeline.emulator.truth import BARE, BUILT, CROPS, FLOODED, GRASS, Ground
from pipeline.schema.grid import PixelGrid

SCATTERER_SHARE = 0.22
"""Share of 20 m cells in built land that hold a corner reflector."""
SCATTERER_DB = 5.0
"""Mean brightening of such a cell, dB."""


@dataclass(frozen=True, eq=False)
class Texture:
    """Unit-variance fields of a window, the same on every day."""

    optical: tuple[Float, Float, Float]
    """Scores of the three optical factors; the first is greenness."""
    radar: tuple[Float, Float]
    """Scores of the two radar factors."""
    glint_db: Float
    """Brightening by corner reflectors in built land, dB."""
    east_slope: Float
    """Rise toward the east at the nodes, metres a metre."""
    north_slope: Float

    def crop(self, rows: slice, columns: slice) -> "Texture":
        """The same over part of the pixels; slopes stay at the nodes."""
        first, second, third = (field[rows, columns] for field in self.optical)
        echo, cross = (field[rows, columns] for field in self.radar)
        return replace(self, optical=(first, second, third), radar=(echo, cross), glint_db=self.glint_db[rows, columns])


def texture(seed: int, land: Ground) -> Texture:
    """The textures of a window."""
    frame = land.frame
    kept = np.isin(land.cover, (CROPS, BUILT, GRASS, BARE, FLOODED))
    tone = ndtri(np.clip(land.tone, 0.005, 0.995)).astype(np.float32)
    hue = ndtri(np.clip(land.parcel, 0.005, 0.995)).astype(np.float32)

    def grain(name: str, patch: Float) -> Float:
        regional = frame.lift(frame.slow(purpose(seed, f"hue-{name}"), (26_000.0, 6_000.0), (1.0, 0.8)))
        fine = frame.fine(purpose(seed, f"grain-{name}"), 75.0)
        speck = frame.fine(purpose(seed, f"speck-{name}"), 24.0)
        mixed: Float = 0.58 * regional + 0.52 * patch + 0.46 * fine + 0.42 * speck
        return mixed

    patch_a = frame.fine(purpose(seed, "patch-a"), 230.0)
    patch_b = frame.fine(purpose(seed, "patch-b"), 310.0)
    humid = frame.lift(np.clip(land.climate.humidity, -1.0, 1.0))
    east, north = _slopes(seed, frame)
    return Texture(
        optical=(
            grain("green", np.where(kept, tone, patch_a)) + 0.40 * humid,
            grain("bright", np.where(kept, hue, patch_b)),
            grain("third", patch_a),
        ),
        radar=(grain("echo", np.where(kept, hue, patch_b)), grain("cross", patch_b)),
        glint_db=_glint(seed, land), east_slope=east, north_slope=north,
    )  # fmt: skip


def _glint(seed: int, land: Ground) -> Float:
    frame = land.frame
    column = np.floor(frame.x / 20.0).astype(np.int64)
    row = np.floor(frame.y / 20.0).astype(np.int64)
    bits = hashed(purpose(seed, "glint"), column, row)
    strong = -SCATTERER_DB * np.log(1.0 - units(bits << np.uint64(24)))
    lit = (land.cover == BUILT) & (units(bits) < SCATTERER_SHARE)
    return np.where(lit, strong, np.float32(0.0)).astype(np.float32)


def _slopes(seed: int, frame: Frame) -> tuple[Float, Float]:
    """Slopes of the two smallest waves of the relief and of one smaller, steeper among mountains."""
    steep = np.clip(frame.slow(purpose(seed, "ranges"), (700_000.0, 160_000.0), (1.0, 0.7)) + 0.6, 0.15, 2.0)
    east = frame.slow(purpose(seed, "slope-east"), (1_900.0, 650.0), (1.0, 0.8))
    north = frame.slow(purpose(seed, "slope-north"), (1_900.0, 650.0), (1.0, 0.8))
    return 0.06 * steep * east, 0.06 * steep * north


def crop_window(land: Ground, look: Texture, grid: PixelGrid) -> tuple[Ground, Texture]:
    """Ground and texture of a window that lies whole and aligned within theirs."""
    held = land.frame.grid
    row = round((held.top_m - grid.top_m) / held.pixel_m)
    column = round((grid.left_m - held.left_m) / held.pixel_m)
    rows, columns = slice(row, row + grid.height_px), slice(column, column + grid.width_px)
    frame = replace(
        land.frame, grid=grid, x=land.frame.x[rows, columns], y=land.frame.y[rows, columns],
        bent_x=land.frame.bent_x[rows, columns], bent_y=land.frame.bent_y[rows, columns],
    )  # fmt: skip
    ground = replace(
        land, frame=frame, cover=land.cover[rows, columns], parcel=land.parcel[rows, columns],
        tone=land.tone[rows, columns], chill=land.chill[rows, columns],
    )  # fmt: skip
    return ground, look.crop(rows, columns)
