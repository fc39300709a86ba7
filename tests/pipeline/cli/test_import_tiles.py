import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from pipeline.cli.import_tiles import HELP, tile_commands
from pipeline.cli.status import status
from pipeline.importers.dfc2020 import DFC2020
from pipeline.importers.noldo_tiles import NOLDO_DW, NOLDO_OSM
from pipeline.schema.errors import UsageError


@pytest.fixture
def patch(tmp_path: Path) -> Path:
    """One patch of DFC2020, of its real size, beside one that lacks its labels."""
    arrays = {
        "s1": np.full((2, 256, 256), -12.5),
        "s2": np.full((13, 256, 256), 1200, np.uint16),
        "dfc": np.full((1, 256, 256), 10, np.uint8),
    }
    (tmp_path / "DFC2020").mkdir()
    for role, bands in arrays.items():
        form: dict[str, Any] = {"count": len(bands), "height": 256, "width": 256, "dtype": bands.dtype}
        place = {"crs": "EPSG:32633", "transform": Affine(10, 0, 5e5, 0, -10, 5e6), "compress": "deflate"}
        with MemoryFile() as memory:
            with memory.open(driver="GTiff", **form, **place) as file:
                file.write(bands)
            data = memory.read()
        for number in (0, 1) if role != "dfc" else (0,):
            (tmp_path / "DFC2020" / f"ROIs0000_test_{role}_0_p{number}.tif").write_bytes(data)
    return tmp_path / "DFC2020"


def test_the_command_tells_what_it_imported_and_what_not(patch: Path, tmp_path: Path) -> None:
    (command,) = [command for command in tile_commands() if command.name == "dfc2020"]
    arguments = [str(patch), "--out", str(tmp_path / "run"), "--set"]
    ended = CliRunner().invoke(command, [*arguments, "shard_rows=4", "--json"])
    assert ended.exit_code == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["tiles"] == {"test": 1}
    assert told["dropped"] == {"file missing": 1}
    assert (tmp_path / "run" / "report.html").is_file()
    assert (
        "Not running; finished, manifest/ and report.html" in CliRunner().invoke(status, [str(tmp_path / "run")]).stdout
    )
    again = CliRunner().invoke(command, [*arguments, "shard_rows=4"])
    assert "left out: 1 file missing" in again.stdout
    changed = CliRunner().invoke(command, [*arguments, "shard_rows=8"])
    assert isinstance(changed.exception, UsageError)
    assert "store.shard_rows changed" in str(changed.exception)
    with pytest.raises(UsageError, match="unknown key 'sed'"):
        CliRunner().invoke(command, [*arguments, "sed=8"], catch_exceptions=False)


def test_every_layout_has_its_command() -> None:
    assert set(HELP) == {layout.name for layout in (DFC2020, NOLDO_DW, NOLDO_OSM)}
    assert [command.name for command in tile_commands()] == list(HELP)
