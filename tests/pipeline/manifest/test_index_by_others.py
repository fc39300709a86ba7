"""What a validator of the format's own makes of the index, without a network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import geoparquet_validator
import pytest

from pipeline.schema.layout import RunLayout

CLASSES = ("core", "covering")


@pytest.fixture(scope="module")
def tiles(make_dw_run: Callable[..., RunLayout], tmp_path_factory: pytest.TempPathFactory) -> RunLayout:
    across = {"dw_a": (7.0, 46.0), "dw_b": (-179.9995, 60.0)}  # one on either side of 180 degrees
    return make_dw_run(tmp_path_factory.mktemp("index") / "run", across, {"dw_t": (11.0, 5.0)})


def judged(path: Path) -> dict[str, str]:
    return {one["id"]: one["status"] for one in geoparquet_validator.check(str(path))["outcomes"]}


def test_every_index_is_geoparquet_with_a_covering_box(ours: Any, tiles: RunLayout) -> None:
    indices = [*ours.run.manifest.glob("index*.parquet"), *Path(str(tiles.manifest)).glob("index*.parquet")]
    assert len(indices) == 4
    for path in indices:
        found = judged(path)
        for name in CLASSES:
            states = [state for test, state in found.items() if f"/conf/{name}/" in test]
            assert "pass" in states
            assert "fail" not in states, (path, found)
