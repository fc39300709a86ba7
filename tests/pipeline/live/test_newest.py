import os
from collections.abc import Callable
from pathlib import Path

from pipeline.live.newest import newest_staged
from pipeline.schema.layout import RunLayout
from pipeline.staging import free_rows


def at(path: Path, seconds: float) -> None:
    os.utime(path, (seconds, seconds))


def test_rows_and_tiles_the_newest_first(tmp_path: Path, stage: Callable[..., None]) -> None:
    run = RunLayout(tmp_path)
    for part in range(6):
        stage(run, part, *(f"{part}{row}" for row in range(3)))
        for row in range(3):
            at(tmp_path / f"tiles/part-{part:05d}.zarr/dw/c.{row}.0.0.0", 1000 + 10 * part - row)
        at(tmp_path / f"tiles/part-{part:05d}.zarr/dw", 1000 + 10 * part)
    found = newest_staged(tmp_path / "tiles", 4)
    assert [(staged.path.name, staged.row) for staged in found] == [
        ("part-00005.zarr", 0), ("part-00005.zarr", 1), ("part-00005.zarr", 2), ("part-00004.zarr", 0),
    ]  # fmt: skip
    free_rows(run.tile(5), [0, 1])
    (tmp_path / "tiles/part-00005.zarr/dw/c.1.0.0.0.tmp-7").write_bytes(b"half")
    left = {(staged.path.name, staged.row) for staged in newest_staged(tmp_path / "tiles", 4)}
    assert left == {("part-00005.zarr", 2), *(("part-00004.zarr", row) for row in range(3))}
    (tmp_path / "tiles/part-00009").mkdir()
    tile = tmp_path / "tiles/part-00009/dw_1.npz"
    tile.write_bytes(b"a tile")
    assert newest_staged(tmp_path / "tiles", 1)[0].path == tile


def test_nothing_is_there_yet(tmp_path: Path) -> None:
    assert newest_staged(tmp_path / "tiles", 4) == []
