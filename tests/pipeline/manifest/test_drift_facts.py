"""How two data sets were made is compared key by key, each key in the section that a reader looks for it."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.manifest.drift_facts import FactChange, fact_changes, read_facts
from pipeline.schema.errors import NoldoError

PROVENANCE: dict[str, Any] = {
    "data": "Real.",
    "recipe_digest": "aa",
    "content_digest": {"dataset": "sha256:aa", "rows": 3},
    "source": {"kind": "earthengine"},
    "code": {"commit": "abc"},
    "environment": {"platform": "Linux", "packages": {"zarr": "3.1.6", "numpy": "2.4.6"}},
    "release": {"version": "0.1.0", "doi": None},
    "recipe": {
        "name": "nol",
        "sample": {"count": 3, "ids": None},
        "seasons": {"anchors": ["2021-12-21", "2021-09-22"]},
        "source": {"kind": "earthengine"},
        "release": {"version": "0.0.1"},
    },
}


def manifest(folder: Path, provenance: dict[str, Any], licences: str = "CC BY 4.0\n") -> Path:
    folder.mkdir()
    (folder / "provenance.json").write_text(json.dumps(provenance))
    (folder / "croissant.json").write_text(json.dumps({"license": licences.strip()}))
    (folder / "LICENSES.md").write_text(licences)
    return folder


def test_a_manifest_states_nothing_else_than_itself(tmp_path: Path) -> None:
    facts = read_facts(manifest(tmp_path / "a", PROVENANCE))
    assert facts is not None
    assert facts.dataset == "sha256:aa"
    assert fact_changes(facts, facts) == ()


def test_every_changed_key_is_told_with_both_values(tmp_path: Path) -> None:
    other = json.loads(json.dumps(PROVENANCE))
    other["recipe"]["sample"] = {"count": 4, "seed": 1, "ids": None}
    other["recipe"]["seasons"]["anchors"][1] = "2021-09-21"
    other["release"]["version"] = "0.2.0"
    other["code"]["commit"] = "abd"
    other["environment"]["packages"] = {"zarr": "3.2.0"}
    other["content_digest"]["dataset"] = "sha256:bb"
    sides = (
        read_facts(manifest(tmp_path / "a", PROVENANCE)),
        read_facts(manifest(tmp_path / "b", other, "ODbL 1.0\n")),
    )
    found = {f"{one.section}:{one.key}": one for one in fact_changes(*sides)}
    assert list(found) == [
        "recipe:sample.count",
        "recipe:sample.seed",
        "recipe:seasons.anchors",
        "code:commit",
        "code:packages.numpy",
        "code:packages.zarr",
        "release:version",
        "licences:LICENSES.md",
        "licences:license",
    ]
    assert found["recipe:sample.count"] == FactChange("recipe", "sample.count", "changed", 3, 4)
    assert found["recipe:sample.seed"] == FactChange("recipe", "sample.seed", "added", None, 1)
    assert found["code:packages.numpy"] == FactChange("code", "packages.numpy", "removed", "2.4.6", None)
    assert found["recipe:seasons.anchors"].published == ["2021-12-21", "2021-09-21"]
    assert (found["release:version"].ours, found["release:version"].published) == ("0.1.0", "0.2.0")
    assert found["licences:license"].published == "ODbL 1.0"


def test_versions_are_the_same_wherever_a_manifest_keeps_them(tmp_path: Path) -> None:
    earlier = json.loads(json.dumps(PROVENANCE))
    del earlier["environment"], earlier["release"]
    earlier["code"]["packages"] = {"zarr": "3.1.6", "numpy": "2.4.5"}
    sides = (read_facts(manifest(tmp_path / "a", earlier)), read_facts(manifest(tmp_path / "b", PROVENANCE)))
    found = {f"{one.section}:{one.key}": one.kind for one in fact_changes(*sides)}
    assert found == {"code:packages.numpy": "changed", "code:platform": "added", "release:version": "changed"}


def test_a_side_without_provenance_is_not_compared(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    assert read_facts(tmp_path / "bare") is None
    assert read_facts(None) is None
    assert fact_changes(read_facts(manifest(tmp_path / "a", PROVENANCE)), None) == ()


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_provenance_that_is_none_ends_in_a_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "provenance.json").write_text(text)
    with pytest.raises(NoldoError, match=r"provenance\.json"):
        read_facts(tmp_path)
