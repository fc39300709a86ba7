"""What a person decided: lists and rasters as they are read, and what is refused."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from pipeline.inspection import InspectionSettings, read_corrected, read_inspection
from pipeline.schema.errors import UsageError
from pipeline.schema.grid import PixelGrid
from pipeline.schema.landcover import IGNORE

GRID = PixelGrid(32733, 499_980.0, 7_000_040.0, 9, 7)
KNOWN = {"dw_1", "dw_2", "dw_3"}


def save(path: Path, codes: np.ndarray, *, epsg: int | None = 32733, transform: Affine | None = None) -> Path:
    place = Affine(*GRID.affine) if transform is None else transform
    path.parent.mkdir(parents=True, exist_ok=True)
    georeference = {} if epsg is None else {"crs": f"EPSG:{epsg}", "transform": place}
    bands = np.atleast_3d(codes).shape[2]
    with warnings.catch_warnings(action="ignore"), rasterio.open(
        path, "w", driver="GTiff", width=codes.shape[1], height=codes.shape[0], count=bands, dtype=codes.dtype,
        **georeference,
    ) as raster:  # fmt: skip
        raster.write(np.moveaxis(np.atleast_3d(codes), 2, 0))
    return path


def codes() -> np.ndarray:
    return (np.arange(63) % 14).reshape(7, 9).astype(np.uint8)


def test_lists_and_rasters_are_found_with_their_sums(tmp_path: Path) -> None:
    (tmp_path / "drop.txt").write_text("# seen in May\ndw_1, a cloud, badly marked\ndw_2\n\n")
    save(tmp_path / "fixed" / "dw_3.tif", codes())
    (tmp_path / "fixed" / "notes.txt").write_text("no raster")
    found = read_inspection(InspectionSettings(drop=tmp_path / "drop.txt", corrected=tmp_path / "fixed"), KNOWN)
    assert found.dropped == {"dw_1": "a cloud, badly marked", "dw_2": ""}
    assert list(found.corrected) == ["dw_3"]
    assert len(found.list_sha256) == len(found.corrected_sha256["dw_3"]) == 64
    assert found.of_tiles(["dw_2", "dw_3"]) == [("dw_2", "", None), ("dw_3", None, found.corrected_sha256["dw_3"])]
    assert read_inspection(InspectionSettings(), KNOWN).of_tiles(KNOWN) == []


def test_a_corrected_raster_is_read_as_it_is(tmp_path: Path) -> None:
    written = codes()
    written[0, 0] = IGNORE
    found = read_corrected(save(tmp_path / "dw_3.tif", written), GRID)
    assert np.array_equal(found, np.where(written == 0, IGNORE, written))


def shifted(tmp_path: Path) -> Path:
    return save(tmp_path / "a.tif", codes(), transform=Affine(10, 0, 499_990, 0, -10, 7_000_040))


def squeezed(tmp_path: Path) -> Path:
    return save(tmp_path / "a.tif", codes(), transform=Affine(10, 0, 499_980, 0, -20, 7_000_040))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (shifted, "from 499990 E"),
        (squeezed, "own grid"),
        (lambda folder: save(folder / "a.tif", codes(), epsg=32633), "EPSG:32633"),
        (lambda folder: save(folder / "a.tif", codes(), epsg=None), "EPSG:0"),
        (lambda folder: save(folder / "a.tif", codes()[:5]), "9 x 5 pixels"),
        (lambda folder: save(folder / "a.tif", np.stack([codes(), codes()], axis=2)), "2 band"),
        (lambda folder: save(folder / "a.tif", codes() + 1), "the value 14"),
        (lambda folder: (folder / "a.tif").write_bytes(b"II*\0") and folder / "a.tif", "cannot be read as a raster"),
    ],
)
def test_another_grid_or_code_is_refused_in_a_line(tmp_path: Path, make: Callable[[Path], Path], words: str) -> None:
    path = make(tmp_path)
    with pytest.raises(UsageError, match=words):
        read_corrected(path, GRID)


@pytest.mark.parametrize(
    ("listed", "words"),
    [("dw_9\n", "dw_9, which is no tile"), ("dw_1\ndw_2\ndw_1\n", "line 3 names dw_1 a second time")],
)
def test_a_list_with_a_slip_is_refused(tmp_path: Path, listed: str, words: str) -> None:
    (tmp_path / "drop.txt").write_text(listed)
    with pytest.raises(UsageError, match=words):
        read_inspection(InspectionSettings(drop=tmp_path / "drop.txt"), KNOWN)


def test_doubled_strange_and_missing_rasters_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        read_inspection(InspectionSettings(corrected=tmp_path / "none"), KNOWN)
    save(tmp_path / "dw_7.tif", codes())
    with pytest.raises(UsageError, match="dw_7, which is no tile"):
        read_inspection(InspectionSettings(corrected=tmp_path), KNOWN)
    save(tmp_path / "dw_7.tiff", codes())
    with pytest.raises(UsageError, match="keep one of the two"):
        read_inspection(InspectionSettings(corrected=tmp_path), KNOWN)
    with pytest.raises(UsageError, match="cannot read"):
        read_inspection(InspectionSettings(drop=tmp_path / "none.txt"), KNOWN)
