"""docs/how-to/reading.md, every block of it: run as it stands from a data set's folder, with what it prints."""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest
import rasterio

DOCUMENT = Path(__file__).parents[3] / "docs" / "how-to" / "reading.md"

Block = tuple[str, str, str]
"""Section, language, code."""


def read_blocks() -> list[Block]:
    found = []
    for section in DOCUMENT.read_text().split("\n## ")[1:]:
        title = section.partition("\n")[0]
        found += [(title, *block) for block in re.findall(r"```(python|sql|sh)\n(.*?)```", section, re.DOTALL)]
    return found


BLOCKS = read_blocks()


@pytest.fixture(scope="module")
def folder(tree: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the pretraining set, in which blocks may leave files."""
    return Path(shutil.copytree(tree.root, tmp_path_factory.mktemp("documented") / "set"))


def printed(code: str, folder: Path) -> str:
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(code, str(DOCUMENT), "exec"), {"__name__": "block"})  # noqa: S102 - our own document
    return out.getvalue().strip()


def of_section(title: str, language: str = "python", at: int = 0) -> str:
    return [code for section, kind, code in BLOCKS if section.startswith(title) and kind == language][at]


def test_every_block_is_run_here() -> None:
    """But for mlcroissant's, which needs a whole manifest: tests/pipeline/manifest/test_write_for_readers.py."""
    ran = re.findall(r'of_section\("([^"]+)"(?:, "(\w+)")?(?:, at=(\d))?\)', Path(__file__).read_text())
    kinds = [(title, kind or "python", int(at or 0)) for title, kind, at in ran]
    counts = [(section, kind) for section, kind, _ in BLOCKS if not section.startswith("mlcroissant")]
    for section, kind in set(counts):
        for at in range(counts.count((section, kind))):
            assert any(section.startswith(t) and (k, n) == (kind, at) for t, k, n in kinds), (section, kind, at)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block[0]}-{block[1]}")
def test_blocks_are_short(block: Block) -> None:
    assert block[2].count("\n") <= 9


def test_xarray_of_the_whole_set(folder: Path) -> None:
    assert printed(of_section("xarray: the whole set"), folder) == "('s2_band', 'y', 'x') 2021-07-13"
    bare = printed(of_section("xarray: the whole set", at=1), folder)
    assert bare == "('location', 'season', 'y', 'x') uint8"


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # rioxarray's own use of affine
def test_xarray_of_one_patch(tree: Any, folder: Path) -> None:
    x = tree.grids["0000052"].centres_m()[0][:2]
    assert printed(of_section("xarray: one patch"), folder) == f"EPSG:32733 {x}"


def test_geotiff(tree: Any, folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-ec", of_section("GeoTIFF", "sh")], cwd=folder, env={**os.environ, "PATH": path}, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[0] == "labels.tif: dw of 0000052, season 2, 24 x 24 px, EPSG:32733"
    for name, values in (("labels", tree.arrays["dw"][2, 2][None]), ("image", tree.arrays["s2"][2, 2])):
        with rasterio.open(folder / f"{name}.tif") as file:
            np.testing.assert_array_equal(file.read(), values)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_gdal_reads_the_store_from_the_stated_version_on(folder: Path) -> None:
    said = printed(of_section("GDAL and QGIS"), folder)
    version = tuple(map(int, rasterio.__gdal_version__.split(".")[:2]))
    assert ("reads it: (24, 24)" in said) == (version >= (3, 13))
    assert "sharding_indexed" in said or version >= (3, 13)


def test_the_index_as_a_geopackage(folder: Path) -> None:
    assert printed(of_section("GDAL and QGIS", at=1), folder) == "4"


def test_tensorstore(tree: Any, folder: Path) -> None:
    mean = tree.arrays["s2"][2, 1, 3].mean()
    assert printed(of_section("tensorstore"), folder) == f"(4, 4, 13, 24, 24) {mean}"


def test_torch(folder: Path) -> None:
    assert printed(of_section("PyTorch"), folder) == "16 torch.Size([4, 13, 24, 24]) torch.uint8 torch.uint8"
    said = printed(of_section("PyTorch", at=1), folder)
    assert said.startswith("torch.Size([3, 13, 24, 24]) torch.Size([3, 4, 24, 24]) tensor([")


def test_geopandas(folder: Path) -> None:
    assert printed(of_section("geopandas"), folder) == "16 1 2"


def test_duckdb(folder: Path) -> None:
    with contextlib.chdir(folder):
        rows = duckdb.sql(of_section("DuckDB", "sql")).fetchall()
    assert [(season, n, clouds, str(day)) for season, n, clouds, day in rows] == [
        (0, 2, 2.5, "2021-01-12"), (1, 2, 5.0, "2021-04-13"), (2, 2, 7.5, "2021-07-13"), (3, 2, 10.0, "2021-10-12"),
    ]  # fmt: skip
