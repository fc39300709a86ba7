"""Pixels of an image on a window: plan what to read, read it at once a scene, then compute."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from pipeline.emulator.lattice import Frame, GridWindow
from pipeline.emulator.nodes import Band, Source
from pipeline.emulator.resample import Cut, Pixels
from pipeline.emulator.scene import EmulatedScene, World
from pipeline.schema.grid import PixelGrid

_NOTHING: Final = Pixels(np.zeros((0, 0), np.float32), np.zeros((0, 0), np.bool_))
"""What a scene gives that the window does not touch."""


@dataclass
class _Read:
    """What one scene is to deliver at one pixel size."""

    scene: EmulatedScene
    pixel_m: float
    cut: Cut
    bands: dict[str, None] = field(default_factory=dict)
    """An ordered set."""


def render(bands: Sequence[Band], window: GridWindow, world: World) -> Iterator[Pixels]:
    """The pixels of each band in turn; every scene is read once a pixel size."""
    frame = Frame()
    plan: dict[tuple[str, float], _Read] = {}
    for band in bands:
        for source, wanted in _sources(band.node, window, frame):
            _plan(plan, source, source.cut(wanted, frame))
    have = {key: _fetch(read, world) for key, read in plan.items() if not read.cut.empty}
    remembered: dict[tuple[int, GridWindow], Pixels] = {}

    def compute(node: Any, on: GridWindow) -> Pixels:
        key = (id(node), on)
        if key not in remembered:
            if isinstance(node, Source):
                remembered[key] = sampled(node, on)
            else:
                operands = [compute(child, wanted) for child, wanted in node.inputs(on, frame)]
                remembered[key] = node.combine(on, operands, frame)
        return remembered[key]

    def sampled(source: Source, on: GridWindow) -> Pixels:
        where = (source.scene.asset_id, source.scene.bands[source.band])
        pixels = have[where][source.band] if where in have else _NOTHING
        return source.sample(on, frame, pixels, plan[where].cut)

    for band in bands:
        yield compute(band.node, window)
        remembered = {key: pixels for key, pixels in remembered.items() if key[1] != window}


def _sources(node: Any, window: GridWindow, frame: Frame) -> Iterator[tuple[Source, GridWindow]]:
    """The scene bands under a node, each with the window it is wanted on."""
    pending, seen = [(node, window)], set()
    while pending:
        current, on = pending.pop()
        if (id(current), on) in seen:
            continue
        seen.add((id(current), on))
        if isinstance(current, Source):
            yield current, on
        else:
            pending.extend(reversed(current.inputs(on, frame)))


def _plan(plan: dict[tuple[str, float], _Read], source: Source, cut: Cut) -> None:
    pixel_m = source.scene.bands[source.band]
    key = (source.scene.asset_id, pixel_m)
    read = plan.setdefault(key, _Read(source.scene, pixel_m, cut))
    read.cut = read.cut.union(cut)
    read.bands[source.band] = None


def _fetch(read: _Read, world: World) -> dict[str, Pixels]:
    grid, cut = read.scene.grid, read.cut
    window = PixelGrid(
        epsg=grid.epsg,
        left_m=grid.left_m + cut.column0 * read.pixel_m,
        top_m=grid.top_m - cut.row0 * read.pixel_m,
        width_px=cut.column1 - cut.column0,
        height_px=cut.row1 - cut.row0,
        pixel_m=read.pixel_m,
    )
    blocks = world.read(read.scene, list(read.bands), window)
    for name, block in blocks.items():
        shape = (window.height_px, window.width_px)
        assert block.values.shape == shape, f"{name}: the world read {block.values.shape}, not {shape}"
    return {name: Pixels(block.values, block.valid) for name, block in blocks.items()}
