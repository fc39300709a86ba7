from pathlib import Path
from typing import Any

import pytest

from pipeline.import_recipe import ImportRecipe, fingerprint
from pipeline.schema.errors import UsageError
from pipeline.schema.strict import validated


def recipe(**source: Any) -> ImportRecipe:
    raw = {"source": {"kind": "ssl4eo", "images": ["/data/v1"], "labels": "/data/nol.zip", **source}}
    return validated(ImportRecipe, raw, "import")


def test_where_the_files_lie_decides_nothing_and_is_not_published() -> None:
    assert recipe().digest("f") == recipe(images=["/elsewhere"], labels="/elsewhere/nol.zip").digest("f")
    assert recipe().digest("f") != recipe().digest("g")
    assert recipe().digest("f") != recipe(resampling="nearest").digest("f")
    published = recipe().published()
    assert published["source"] == {
        "kind": "import", "edition": "ssl4eo", "images": ["v1"], "labels": "nol.zip", "resampling": "bilinear",
        "offset_dn": 1000,
    }  # fmt: skip
    assert "/data" not in str(published)


def test_labels_that_are_not_there_cannot_be_asked_for() -> None:
    with pytest.raises(UsageError, match="without labels"):
        recipe(labels=None)
    with pytest.raises(UsageError, match=r"unknown key 'source\.label'; did you mean 'labels'\?"):
        recipe(label="x")


def test_the_fingerprint_follows_names_and_sizes(tmp_path: Path) -> None:
    (tmp_path / "a" / "s1").mkdir(parents=True)
    (tmp_path / "a" / "s1" / "x.tar").write_bytes(b"123")
    before = fingerprint([tmp_path / "a"])
    (tmp_path / "a").rename(tmp_path / "b")
    assert fingerprint([tmp_path / "b"]) == before
    (tmp_path / "b" / "s1" / "x.tar").write_bytes(b"1234")
    assert fingerprint([tmp_path / "b"]) != before


def test_the_fingerprint_follows_files_however_deep_they_lie_but_not_the_run(tmp_path: Path) -> None:
    band, run = tmp_path / "v1" / "s2c" / "0000007" / "scene" / "B1.tif", tmp_path / "v1" / "run"
    band.parent.mkdir(parents=True)
    band.write_bytes(b"12")
    before = fingerprint([tmp_path / "v1"], run)
    (run / "tables").mkdir(parents=True)
    (run / "tables" / "part-00000.parquet").write_bytes(b"1")
    assert fingerprint([tmp_path / "v1"], run) == before
    band.write_bytes(b"123")
    assert fingerprint([tmp_path / "v1"], run) != before


def test_the_fingerprint_counts_every_piece_and_what_lies_in_which_folder(tmp_path: Path) -> None:
    for name in ("x.tar.partaa", "x.tar.partab"):
        (tmp_path / name).write_bytes(b"1")
    before = fingerprint([tmp_path / "x.tar.partaa"])
    (tmp_path / "x.tar.partab").write_bytes(b"12")
    assert fingerprint([tmp_path / "x.tar.partaa"]) != before
    assert fingerprint([tmp_path, tmp_path / "x.tar.partaa"]) == fingerprint([tmp_path / "x.tar.partaa", tmp_path])
