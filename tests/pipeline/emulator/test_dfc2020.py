"""Patches in the layout of DFC2020: read by the importer as the contest's, and true to the planet."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from click.testing import CliRunner

from pipeline.cli.import_tiles import tile_commands
from pipeline.emulator.dfc2020 import write_dfc2020
from pipeline.emulator.planet import Planet
from pipeline.schema.dfc2020 import DFC_FILE_CODES
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.landcover import IGNORE
from pipeline.tile_arrays import open_tile_arrays


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dfc2020") / "files"
    patches = write_dfc2020(out, 7, validation=2, test=1)
    assert [patch.name for patch in patches] == [
        "ROIs0000_validation_p0", "ROIs0000_validation_p1", "ROIs0000_test_p0"
    ]  # fmt: skip
    return out


def test_the_importer_takes_every_patch_as_it_is(written: Path, tmp_path: Path) -> None:
    (command,) = [command for command in tile_commands() if command.name == "dfc2020"]
    ended = CliRunner().invoke(command, [str(written), "--out", str(tmp_path / "run")])
    assert ended.exit_code == 0, ended.stderr
    told = json.loads((tmp_path / "run" / "manifest" / "provenance.json").read_text())
    assert told["emulated"] is True
    train = open_tile_arrays(tmp_path / "run" / "store" / "dfc2020_train.zarr")
    test = open_tile_arrays(tmp_path / "run" / "store" / "dfc2020_test.zarr")
    assert (train["s2"].shape, test["s1"].shape) == ((2, 13, 256, 256), (1, 2, 256, 256))
    with rasterio.open(written / "ROIs0000_test" / "s2_0" / "ROIs0000_test_s2_0_p0.tif") as file:
        np.testing.assert_array_equal(test["s2"][0], file.read())
    with rasterio.open(written / "ROIs0000_test" / "s1_0" / "ROIs0000_test_s1_0_p0.tif") as file:
        np.testing.assert_array_equal(test["s1"][0], file.read().astype(np.float32))


def test_labels_and_images_are_the_planets(written: Path, tmp_path: Path) -> None:
    """Bands of 10 m are the scene's own pixels, and the labels its truth but for snow."""
    planet = Planet(7)
    again = write_dfc2020(tmp_path / "again", 7, validation=1, test=0)[0]
    scene = planet.scene(again.s2)
    radar = planet.scene(again.s1)
    assert scene is not None
    assert radar is not None
    assert abs(scene.time - radar.time).days < 15
    folder = written / "ROIs0000_validation"
    with rasterio.open(folder / "s2_0" / "ROIs0000_validation_s2_0_p0.tif") as file:
        a, _, c, _, _, f = tuple(file.transform)[:6]
        grid = PixelGrid(file.crs.to_epsg(), c, f, file.width, file.height, a)
        s2 = file.read()
    block = planet.read(scene, ["B4"], grid)["B4"]
    np.testing.assert_array_equal(s2[3], np.where(block.valid, block.values, 0).astype(np.uint16))
    with rasterio.open(folder / "dfc_0" / "ROIs0000_validation_dfc_0_p0.tif") as file:
        codes = file.read(1)
    classes = np.full(256, IGNORE)
    classes[list(DFC_FILE_CODES)] = list(DFC_FILE_CODES.values())
    truth = planet.truth(grid, scene.time)
    np.testing.assert_array_equal(classes[codes], np.where(truth < 8, truth, IGNORE))


def test_the_same_arguments_make_the_same_bytes_and_nothing_is_written_over(written: Path, tmp_path: Path) -> None:
    write_dfc2020(tmp_path / "again", 7, validation=2, test=1)
    files = [path for path in sorted(written.rglob("*")) if path.is_file()]
    assert len(files) == 10
    for path in files:
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(written)).read_bytes()
    with pytest.raises(UsageError, match="is not empty"):
        write_dfc2020(written, 7, validation=1, test=0)
