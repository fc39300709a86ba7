import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.importers.imported import Imported, Problem
from pipeline.importers.ssl4eo_zarr import ssl4eo_zarr_locations, zarr_zips
from pipeline.schema.errors import UsageError
from pipeline.schema.landcover import IGNORE

FILE = "ssl4eos12_val_seasonal_data_000001.zarr.zip"

Items = list[Imported | Problem]


@pytest.fixture
def written(staged: list[Any], miniatures: Any, tmp_path: Path) -> Callable[..., Path]:
    """A folder val/ with one file of two locations, in another order in S1GRD."""

    def write(**options: Any) -> Path:
        miniatures.zarr_zip(tmp_path / "val" / "S2L1C" / FILE, staged[:2], radar=False, **options)
        miniatures.zarr_zip(tmp_path / "val" / "S1GRD" / FILE, staged[1::-1], radar=True)
        return tmp_path

    return write


def read(folder: Path, offset: int = 1000) -> Items:
    return list(ssl4eo_zarr_locations((folder,), None, (), offset=offset))


def only_problem(items: Items) -> Problem:
    (problem,) = items
    assert isinstance(problem, Problem)
    assert "\n" not in problem.detail
    return problem


def test_every_location_comes_out_as_it_was_staged(written: Callable[..., Path], staged: list[Any]) -> None:
    found = read(written())
    assert len(found) == 2
    for imported, place in zip(found, staged, strict=False):
        assert isinstance(imported, Imported)
        order = place.in_time()
        assert imported.location.grid == place.location.grid
        assert [m.s2_id for m in imported.matches] == [place.matches[s].s2_id for s in order]
        assert [m.s1_id for m in imported.matches] == [place.matches[s].s1_id for s in order]
        np.testing.assert_array_equal(imported.patch.s2, place.patch.s2[order])
        np.testing.assert_array_equal(imported.patch.s1, place.patch.s1[order].astype(np.float16).astype(np.float32))
        assert (imported.patch.dw == IGNORE).all()


def test_files_that_bear_no_offset_are_not_taken_for_ones_that_do(written: Callable[..., Path]) -> None:
    folder = written(offset=0)
    problems = read(folder)
    assert [getattr(problem, "reason", "") for problem in problems] == ["no offset"] * 2
    assert [type(item) for item in read(folder, offset=0)] == [Imported] * 2


def rewrite(path: Path, changed: dict[str, Any]) -> None:
    """Change JSON files in a zip, or replace them by a text; None removes them."""
    with zipfile.ZipFile(path) as old:
        kept = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, data in kept.items():
            if name not in changed:
                new.writestr(name, data)
            elif changed[name] is not None:
                new.writestr(name, text_of(data, changed[name]))


def text_of(data: bytes, changed: dict[str, Any] | str) -> str:
    return changed if isinstance(changed, str) else json.dumps({**json.loads(data), **changed})


@pytest.mark.parametrize(
    ("changed", "reason", "detail"),
    [
        ({"file_id/.zarray": {"filters": [{"id": "pickle"}]}}, "unsafe codec", "packed with 'pickle', which is not"),
        ({"bands/.zarray": {"compressor": {"id": "msgpack2"}}}, "unsafe codec", "'msgpack2'"),
        ({"crs/.zarray": {"shape": [10**12]}}, "wrong shape", "1000000000000"),
        ({"bands/.zarray": {"shape": [2, 4, 12, 264, 264]}}, "wrong shape", "expected (2, 4, 13, 264, 264)"),
        ({"x_/.zarray": None}, "missing array", "no array 'x_'"),
    ],
)
def test_a_file_of_another_form_is_told_before_it_is_decoded(
    written: Callable[..., Path], changed: dict[str, Any], reason: str, detail: str
) -> None:
    folder = written()
    rewrite(folder / "val" / "S2L1C" / FILE, changed)
    problem = only_problem(read(folder))
    assert (problem.reason, detail in problem.detail) == (reason, True), problem


@pytest.mark.parametrize(
    "data", ["<html>404</html>", "[]", '{"shape": ["a", "b"]}', '{"shape": [2], "filters": ["x"]}']
)
def test_metadata_that_are_none_are_told(written: Callable[..., Path], data: str) -> None:
    folder = written()
    rewrite(folder / "val" / "S2L1C" / FILE, {"crs/.zarray": data})
    problem = only_problem(read(folder))
    assert (problem.reason, "array 'crs'" in problem.detail) == ("damaged archive", True), problem


def test_what_is_checked_is_what_is_read(written: Callable[..., Path]) -> None:
    path = written() / "val" / "S2L1C" / FILE
    with zipfile.ZipFile(path) as whole:
        plain = {
            name: json.loads(whole.read(name)) for name in whole.namelist() if name.endswith((".zarray", ".zgroup"))
        }
    plain["file_id/.zarray"]["filters"] = [{"id": "pickle"}]
    with zipfile.ZipFile(path, "a") as whole:
        whole.writestr(".zmetadata", json.dumps({"zarr_consolidated_format": 1, "metadata": plain}))
    assert [type(item) for item in read(path.parents[2])] == [Imported] * 2


@pytest.mark.parametrize(
    ("name", "shape"), [("file_id", [2, 3]), ("crs", [1]), ("x_", [2, 1]), ("y_", [2]), ("sample", [])]
)
def test_arrays_of_another_shape_are_told(written: Callable[..., Path], name: str, shape: list[int]) -> None:
    folder = written()
    rewrite(folder / "val" / "S2L1C" / FILE, {f"{name}/.zarray": {"shape": shape, "chunks": shape}})
    problem = only_problem(read(folder))
    assert problem.reason == "wrong shape", problem
    assert f"'{name}'" in problem.detail


def test_damage_and_missing_partners_are_told(written: Callable[..., Path]) -> None:
    folder = written()
    radar = folder / "val" / "S1GRD" / FILE
    whole = radar.read_bytes()
    radar.write_bytes(whole[:-100])
    assert only_problem(read(folder)).reason == "damaged archive"
    radar.unlink()
    assert only_problem(read(folder)).reason == "no S1 images"


def test_what_is_published_of_a_problem_tells_no_folder_of_this_machine(
    written: Callable[..., Path], staged: list[Any], miniatures: Any
) -> None:
    folder = written()
    (folder / "val" / "S1GRD" / FILE).unlink()
    miniatures.zarr_zip(folder / "val" / "S1GRD" / FILE, staged[:1], radar=True)
    (problem,) = (item for item in read(folder) if isinstance(item, Problem))
    assert (problem.location_id, problem.detail) == (staged[1].location.location_id, f"{FILE} of S1 has none of it")


def test_an_id_that_comes_again_is_read_once(written: Callable[..., Path], staged: list[Any], miniatures: Any) -> None:
    folder = written()
    again = FILE.replace("1.zarr", "2.zarr")
    for name, radar in (("S2L1C", False), ("S1GRD", True)):
        miniatures.zarr_zip(folder / "val" / name / again, staged[1:2], radar=radar)
    found = read(folder)
    assert [getattr(item, "reason", "imported") for item in found] == ["imported", "imported", "doubled id"]


def test_what_is_not_of_the_zarr_edition_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name the folder above S2L1C and S1GRD"):
        zarr_zips((tmp_path,))
    (tmp_path / "S2L1C").mkdir()
    (tmp_path / "S2L1C" / "ssl4eos12_shard_000001.tar").touch()
    with pytest.raises(UsageError, match="WebDataset edition"):
        zarr_zips((tmp_path,))
