from pathlib import Path

import pytest

from pipeline.recipe import Recipe
from pipeline.run_state import list_digest, sample_inputs
from pipeline.schema.errors import UsageError


def recipe(**sample: object) -> Recipe:
    return Recipe.model_validate({"sample": sample, "source": {"kind": "emulator"}})


def test_without_files_there_is_no_digest_of_them() -> None:
    assert list_digest(recipe(count=3)) is None


def test_the_content_of_every_named_file_counts_and_its_path_does_not(tmp_path: Path) -> None:
    for name, text in {"a.csv": "lon,lat\n", "b.csv": "lon,lat\n", "c.txt": "lon,lat\n", "d.txt": "1\n"}.items():
        (tmp_path / name).write_text(text)
    a, b, c, d = (str(tmp_path / name) for name in ("a.csv", "b.csv", "c.txt", "d.txt"))
    one, moved = recipe(**{"from": a, "ids": d}), recipe(**{"from": b, "ids": d})
    assert list_digest(one) == list_digest(moved)
    assert sample_inputs(one, "f") == sample_inputs(moved, "f") != sample_inputs(one, "g")
    others = [recipe(**{"from": a}), recipe(**{"from": a, "ids": c}), recipe(**{"from": d, "ids": a})]
    digests = {list_digest(r) for r in (one, *others)}
    assert len(digests) == 4
    assert one.published()["sample"] == {**moved.published()["sample"], "from": "a.csv"}
    assert str(tmp_path) not in str(one.published())


def test_polygons_count_too(tmp_path: Path) -> None:
    region = tmp_path / "region.geojson"
    region.write_text("{}")
    before = list_digest(recipe(count=3, within=str(region)))
    region.write_text("{ }")
    assert list_digest(recipe(count=3, within=str(region))) != before


def test_a_file_that_is_not_there_is_said_by_its_key(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"sample\.within: cannot read .*region\.gpkg: No such file"):
        list_digest(recipe(count=3, within=str(tmp_path / "region.gpkg")))
    with pytest.raises(UsageError, match=r"sample\.from: cannot read .*: Is a directory"):
        list_digest(recipe(**{"from": str(tmp_path)}))
