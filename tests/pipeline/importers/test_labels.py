from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.importers.imported import NotImportableError
from pipeline.importers.labels import LabelArchive
from pipeline.schema.errors import UsageError

SCENES = ["a", "b", "c", "d"]


@pytest.fixture
def archive(staged: list[Any], miniatures: Any, tmp_path: Path) -> Any:
    """`archive(seasons, changed, **files)`: labels of location 0000007, season by season; class = season."""

    def make(seasons: list[str], changed: np.ndarray | None = None, **files: bytes) -> LabelArchive:
        labels = {
            f"x/0000007/{name}/label.tif": miniatures.tif(np.full((264, 264), at, np.uint8), staged[0])
            for at, name in enumerate(seasons)
        }
        if changed is not None:
            labels[f"x/0000007/{seasons[0]}/label.tif"] = miniatures.tif(changed, staged[0])
        return LabelArchive(miniatures.zip(tmp_path / "nol.zip", {**labels, **files}))

    return make


@pytest.mark.parametrize("seasons", [SCENES, ["d", "b", "a", "c"], ["0", "1", "2", "3"]])
def test_labels_are_found_by_scene_or_by_season(archive: Any, seasons: list[str]) -> None:
    with archive(seasons) as labels:
        assert labels.ids() == {"0000007"}
        wanted = [seasons.index(s) for s in SCENES] if "a" in seasons else [0, 1, 2, 3]
        assert labels.read("0000007", SCENES)[:, 5, 5].tolist() == wanted
        assert labels.order("0000007", SCENES) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "line", [b"7,d,c,a,b", b"ids,sub1,sub2,sub3,sub4\n7,d,c,a,b\n", b",ids\n0,0000007,d,c,a,b\n", b"7,d,c,a,b,12\n"]
)
def test_the_list_of_ids_says_which_scene_is_which_season(archive: Any, line: bytes) -> None:
    with archive(SCENES, **{"ids.csv": line}) as labels:
        assert labels.order("0000007", SCENES) == [3, 2, 0, 1]


def test_what_is_wrong_with_labels_is_told(archive: Any) -> None:
    for changed, reason, detail in (
        (np.full((264, 264), 9, np.uint8), "strange label", "holds 9, expected 0..8"),
        (np.full((264, 264), 0.5, np.float32), "strange label", "holds 0.5"),
        (np.zeros((132, 132), np.uint8), "wrong shape", "1 x 132 x 132, expected 1 x 264 x 264"),
    ):
        with archive(SCENES, changed) as labels, pytest.raises(NotImportableError) as told:
            labels.read("0000007", SCENES)
        assert (told.value.reason, detail in told.value.detail) == (reason, True)
    with archive(SCENES) as labels:
        with pytest.raises(NotImportableError, match="no label of e, only of a, b, c, d"):
            labels.read("0000007", ["a", "b", "c", "e"])
        with pytest.raises(NotImportableError, match="has none of it"):
            labels.order("0000008", SCENES)


def test_a_damaged_label_is_told_without_the_folder_that_its_archive_lies_in(archive: Any, tmp_path: Path) -> None:
    archive(SCENES)
    packed = bytearray((tmp_path / "nol.zip").read_bytes())
    packed[200] ^= 1  # of the first label, beyond its header
    (tmp_path / "nol.zip").write_bytes(packed)
    with LabelArchive(tmp_path / "nol.zip") as labels, pytest.raises(NotImportableError) as told:
        labels.read("0000007", SCENES)
    assert told.value.reason == "unreadable file"
    assert "x/0000007/a/label.tif: " in told.value.detail
    assert str(tmp_path) not in told.value.detail


def test_classes_and_255_pass_as_they_are_stored(archive: Any) -> None:
    stored = (np.arange(264 * 264).reshape(264, 264) % 10).astype(np.int64)
    stored[stored == 9] = 255
    with archive(SCENES, stored) as labels:
        np.testing.assert_array_equal(labels.read("0000007", SCENES)[0], stored)


def test_a_file_without_labels_is_refused(miniatures: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no <id>/<season>/label\.tif"):
        LabelArchive(miniatures.zip(tmp_path / "x.zip", {"a.txt": b"1"}))
    twice = {f"{folder}/0000007/0/label.tif": b"1" for folder in ("v1", "v2")}
    with pytest.raises(UsageError, match=r"0000007, season 0, twice: v1/0000007/0/label\.tif and v2/"):
        LabelArchive(miniatures.zip(tmp_path / "x.zip", twice))
    with pytest.raises(UsageError, match="is not there"):
        LabelArchive(tmp_path / "nothing.zip")
