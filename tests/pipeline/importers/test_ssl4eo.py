import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.importers import archives
from pipeline.importers.imported import MAX_FILE_BYTES, Imported, Problem
from pipeline.importers.labels import LabelArchive
from pipeline.importers.ssl4eo import sources_of, ssl4eo_locations
from pipeline.schema.errors import UsageError
from pipeline.schema.landcover import IGNORE

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def one(staged: list[Any], miniatures: Any) -> tuple[Any, Files, Files]:
    """A location of the small build and its files, (s2c, s1)."""
    return staged[1], *miniatures.v1_files(staged[1])


@pytest.fixture
def read(tmp_path: Path, miniatures: Any) -> Callable[..., list[Imported | Problem]]:
    """`read(s2, s1)`: what is imported of these files, without labels."""

    def importing(s2: Files, s1: Files, **options: Any) -> list[Imported | Problem]:
        folder = tmp_path / "images"
        miniatures.folder(folder / "s2c", s2)
        miniatures.folder(folder / "s1", s1)
        return list(ssl4eo_locations((folder,), None, (), tmp_path / "spool", **{"nearest": False, **options}))

    return importing


def same(found: Imported, staged: Any, order: list[int]) -> None:
    """Whether an imported location is the staged one, its seasons in this order."""
    assert found.location.grid == staged.location.grid
    assert [m.s2_id for m in found.matches] == [staged.matches[season].s2_id for season in order]
    assert [m.s1_id for m in found.matches] == [staged.matches[season].s1_id for season in order]
    np.testing.assert_array_equal(found.patch.s2, staged.patch.s2[order])
    np.testing.assert_array_equal(found.patch.s1, staged.patch.s1[order])


def renamed(files: Files, **changes: bytes | None) -> Files:
    """The files with those changed whose path ends so ('B4_tif' for B4.tif), of the first scene; None removes."""
    changed = dict(files)
    for ending, data in changes.items():
        name = next(name for name in sorted(files) if name.endswith(f"/{ending.replace('_', '.')}"))
        changed.pop(name)
        if data is not None:
            changed[name] = data
    return changed


def test_tars_with_labels_give_what_was_staged_whatever_their_order(
    staged: list[Any], miniatures: Any, tmp_path: Path
) -> None:
    few = staged[:3]
    files = [miniatures.v1_files(place) for place in few]
    optical = {f"s2c/{name}": data for s2, _ in files for name, data in s2.items()}
    radar = {f"./s1/{name}": data for _, s1 in reversed(files) for name, data in s1.items()}
    tars = (miniatures.tar(tmp_path / "s2c.tar.gz", optical), miniatures.tar(tmp_path / "s1.tar.gz", radar))
    with LabelArchive(miniatures.zip(tmp_path / "nol.zip", miniatures.label_files(few[:2]))) as labels:
        found = list(ssl4eo_locations(tars, labels, (), tmp_path / "spool", nearest=False))
        done = {place.location.location_id for place in few[:2]}
        rest = list(ssl4eo_locations((tmp_path,), labels, done, tmp_path / "spool", nearest=False))
    by_id = {one.location.location_id: one for one in found if isinstance(one, Imported)}
    assert len(found) == len(by_id) == 2  # of the third there are no labels
    for place in few[:2]:
        imported = by_id[place.location.location_id]
        same(imported, place, [0, 1, 2, 3])  # as the list of ids says, which is not in order of time
        assert imported.matches == place.matches
        np.testing.assert_array_equal(imported.patch.dw, place.patch.dw)
    assert rest == []


def test_of_locations_without_labels_nothing_is_read(
    staged: list[Any], miniatures: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in staged[:2]:
        s2, s1 = miniatures.v1_files(place)
        miniatures.folder(tmp_path / "v1" / "s2c", s2)
        miniatures.folder(tmp_path / "v1" / "s1", s1)
    read: set[str] = set()
    read_file = archives._read_file
    monkeypatch.setattr(archives, "_read_file", lambda path: read.add(path.parents[1].name) or read_file(path))
    with LabelArchive(miniatures.zip(tmp_path / "nol.zip", miniatures.label_files(staged[1:2]))) as labels:
        (found,) = ssl4eo_locations((tmp_path / "v1",), labels, (), tmp_path / "spool", nearest=False)
    assert isinstance(found, Imported)
    assert read == {staged[1].location.location_id}


def test_without_labels_seasons_are_in_order_of_time_and_no_pixel_is_labelled(
    one: tuple[Any, Files, Files], read: Callable[..., list[Any]]
) -> None:
    place, s2, s1 = one
    (found,) = read(s2, s1)
    same(found, place, place.in_time())
    assert (found.patch.dw == IGNORE).all()
    assert {match.dw_id for match in found.matches} == {None}


def test_without_metadata_the_names_of_the_scenes_tell_their_time_and_zone(
    one: tuple[Any, Files, Files], read: Callable[..., list[Any]]
) -> None:
    place, s2, s1 = one
    bare = [{name: data for name, data in files.items() if not name.endswith(".json")} for files in (s2, s1)]
    (found,) = read(*bare)
    same(found, place, place.in_time())
    assert [m.s2_tile for m in found.matches] == [place.matches[s].s2_tile for s in place.in_time()]
    assert all(abs((m.s2_time - place.matches[s].s2_time).total_seconds()) < 600 for m, s in zip(
        found.matches, place.in_time(), strict=True
    ))  # fmt: skip
    assert {m.s2_baseline for m in found.matches} == {None}


def test_the_offset_of_baseline_4_is_taken_off_and_of_harmonised_scenes_it_is_not(
    one: tuple[Any, Files, Files], read: Callable[..., list[Any]], miniatures: Any
) -> None:
    place, s2, s1 = one
    season = place.in_time()[0]
    scene = place.scenes[season]
    raised = dict(s2)
    for band in ("B1", "B2"):
        numbers = np.where(place.patch.s2[season, 0] == 0, 0, place.patch.s2[season, 0] + 1000).astype(np.uint16)
        raised[f"{place.location.location_id}/{scene}/{band}.tif"] = miniatures.tif(numbers, place)
    for kind, lowered in (("COPERNICUS/S2", True), ("COPERNICUS/S2_HARMONIZED", False)):
        about = json.loads(raised[f"{place.location.location_id}/{scene}/metadata.json"])
        about.update({"PROCESSING_BASELINE": "04.00", "system:id": f"{kind}/{scene}"})
        raised[f"{place.location.location_id}/{scene}/metadata.json"] = json.dumps(about).encode()
        (found,) = read(raised, s1)
        expected = place.patch.s2[season, 0]
        np.testing.assert_array_equal(found.patch.s2[0, 0], expected if lowered else np.where(expected, numbers, 0))


def test_bands_saved_at_20_and_60_m_are_brought_onto_10_m(
    one: tuple[Any, Files, Files], read: Callable[..., list[Any]], miniatures: Any
) -> None:
    place, s2, s1 = one
    coarse = {}
    season = place.in_time()[0]
    values = np.arange(1, 132 * 132 + 1, dtype=np.uint16).reshape(132, 132)
    coarse["B5_tif"] = miniatures.tif(values, place)
    coarse["B1_tif"] = miniatures.tif(values[:44, :44], place)
    (found,) = read(renamed(s2, **coarse), s1, nearest=True)
    np.testing.assert_array_equal(found.patch.s2[0, 4], values.repeat(2, 0).repeat(2, 1))
    (smooth,) = read(renamed(s2, **coarse), s1)
    inner = smooth.patch.s2[0, 4, 1:-1, 1:-1].astype(float)
    # Between pixel centres of a plane, bilinear values lie on that plane.
    plane = np.add.outer((np.arange(1, 263) - 0.5) / 2 * 132, (np.arange(1, 263) - 0.5) / 2) + 1
    assert np.abs(inner - plane).max() <= 0.51
    np.testing.assert_array_equal(found.patch.s2[0, 1], place.patch.s2[season, 1])


def test_what_is_wrong_with_a_location_is_told_in_a_line_and_the_others_go_on(
    one: tuple[Any, Files, Files], read: Callable[..., list[Any]], miniatures: Any
) -> None:
    place, s2, s1 = one
    square = np.ones((263, 263), np.uint16)
    cases: list[tuple[Files, Files, str, str]] = [
        (renamed(s2, B10_tif=None), s1, "missing band", "B10.tif is not there"),
        (renamed(s2, B4_tif=miniatures.tif(square, place)), s1, "wrong shape", "is 1 x 263 x 263, expected 1 x 264"),
        (renamed(s2, B4_tif=miniatures.tif(np.ones((264, 264), np.uint8), place)), s1, "wrong type", "scaled already"),
        (renamed(s2, B4_tif=b"<VRTDataset/>"), s1, "unreadable file", "B4.tif"),
        (renamed(s2, B4_tif=b""), s1, "unreadable file", "B4.tif is empty or larger than 16 MB"),
        (renamed(s2, B4_tif=bytes(MAX_FILE_BYTES + 1)), s1, "unreadable file", "B4.tif is empty or larger than 16 MB"),
        (renamed(s2, metadata_json=b"{"), s1, "unreadable file", "metadata.json"),
        ({n: d for n, d in s2.items() if place.scenes[0] not in n}, s1, "not four seasons", "has 3 scenes of S2"),
        (s2, renamed(s1, VV_tif=miniatures.tif(np.full((264, 264), 700, np.float32), place)), "bad values", "possible"),
        (s2, {}, "no S1 images", "its partner"),
        ({}, s1, "no S2 images", "its partner"),
    ]
    all_s2, all_s1 = dict(s2), dict(s1)
    for at, (optical, radar, _, _) in enumerate(cases):
        for files, together in ((optical, all_s2), (radar, all_s1)):
            together.update({f"{at + 9000000}/{name.partition('/')[2]}": data for name, data in files.items()})
    found = read(all_s2, all_s1)
    problems = {item.location_id: item for item in found if isinstance(item, Problem)}
    for at, (_, _, reason, detail) in enumerate(cases):
        problem = problems[f"{at + 9000000}"]
        assert (problem.reason, detail in problem.detail) == (reason, True), problem
        assert "\n" not in problem.detail
    (good,) = [item for item in found if isinstance(item, Imported)]
    assert good.location.location_id == place.location.location_id
    assert len(found) == len(cases) + 1


def test_a_truncated_tar_gives_the_locations_before_its_end(
    staged: list[Any], one: tuple[Any, Files, Files], miniatures: Any, tmp_path: Path
) -> None:
    _, s2, s1 = one
    other = {name.replace(staged[1].location.location_id, "0000099", 1): data for name, data in s2.items()}
    tar = miniatures.tar(tmp_path / "s2c.tar", {**s2, **other})
    tar.write_bytes(tar.read_bytes()[: int(tar.stat().st_size * 0.75)])
    miniatures.tar(tmp_path / "s1.tar", s1)
    whole, cut = ssl4eo_locations((tmp_path,), None, (), tmp_path / "spool", nearest=False)
    assert isinstance(whole, Imported) or isinstance(cut, Imported)
    (problem,) = [item for item in (whole, cut) if isinstance(item, Problem)]
    assert problem.reason == "damaged archive"
    assert "0000099 and what comes after it is left out" in problem.detail


def test_a_doubled_id_is_told_and_read_once(one: tuple[Any, Files, Files], miniatures: Any, tmp_path: Path) -> None:
    place, s2, s1 = one
    for name in ("s2c.tar", "s2c-more.tar"):
        miniatures.tar(tmp_path / name, s2)
    miniatures.tar(tmp_path / "s1.tar", s1)
    found = list(ssl4eo_locations((tmp_path,), None, (), tmp_path / "spool", nearest=False))
    assert sorted(type(item).__name__ for item in found) == ["Imported", "Problem"]
    (problem,) = [item for item in found if isinstance(item, Problem)]
    assert (problem.location_id, problem.reason) == (place.location.location_id, "doubled id")


def test_patches_in_utm_lie_where_their_files_say(
    one: tuple[Any, Files, Files], miniatures: Any, read: Callable[..., list[Any]]
) -> None:
    place, _, s1 = one
    moved = replace(place, location=replace(place.location, grid=replace(place.location.grid, left_m=600123.0)))
    (found,) = read(miniatures.v1_files(moved, degrees=False)[0], s1)
    assert found.location.grid == moved.location.grid


def test_the_folders_of_the_published_set_are_found(tmp_path: Path) -> None:
    for name in ("s1/1/a", "s2c/1/a", "s2a/1/a"):
        (tmp_path / "v1" / name).mkdir(parents=True)
    (tmp_path / "hub" / "s2_l1c").mkdir(parents=True)
    for name in ("s2_l1c.tar.gz.partaa", "s2_l1c.tar.gz.partab"):
        (tmp_path / "hub" / "s2_l1c" / name).touch()
    assert sources_of((tmp_path / "v1",)) == [tmp_path / "v1" / "s1", tmp_path / "v1" / "s2c"]
    assert sources_of((tmp_path / "v1" / "s1",)) == [tmp_path / "v1" / "s1"]
    assert sources_of((tmp_path / "hub",)) == [tmp_path / "hub" / "s2_l1c" / "s2_l1c.tar.gz.partaa"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds neither folders s1 and s2c nor archives"):
        sources_of((tmp_path / "empty",))
    with pytest.raises(UsageError, match="neither a folder nor"):
        sources_of((tmp_path / "nothing.bin",))
