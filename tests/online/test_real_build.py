"""The whole build of one location on the real service, by the recipe that is meant for it.

    NOLDO_EE_PROJECT=my-project pytest -m online tests/online

Needs Earth Engine credentials; asks for scenes twice at most and for 10 MB of pixels once.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Noldo = Callable[..., Any]

NOL = Path(__file__).parents[2] / "recipes" / "nol.yaml"

pytestmark = [pytest.mark.online, pytest.mark.enable_socket]


def settings(place: Path, project: str) -> list[str]:
    """The recipe with one place, and every quality of pixels allowed: the test is of the way, not of the weather."""
    changed = (
        f"sample={{from: {place}}}",
        f"source.project={project}",
        "source.workload_tag=noldo-test",
        "quality={dw_min_valid_share: 0, s2_min_valid_share: 0, s1_min_valid_share: 0, s1_max_border_share: 1}",
        "export.max_failed_share=0",
    )
    return [word for change in changed for word in ("--set", change)]


def milan(folder: Path) -> Path:
    path = folder / "milan.csv"
    path.write_text("id,lon,lat\nmilan,9.20,45.40\n")
    return path


def test_one_location_from_recipe_to_manifest(noldo: Noldo, tmp_path: Path) -> None:
    project = os.environ.get("NOLDO_EE_PROJECT")
    if not project:
        pytest.skip("NOLDO_EE_PROJECT names no project")
    command = ("build", NOL, "--out", tmp_path / "run", "--workers", 1, "--until", "manifest", "--json")
    ended = noldo(*command, *settings(milan(tmp_path), project), env=dict(os.environ))
    if "credentials" in ended.err:
        pytest.skip(ended.err.strip().splitlines()[-1])
    assert ended.status == 0, ended.err
    assert [step["kept"] for step in ended.json["funnel"]] == [1, 1, 1, 1]
    assert ended.json["tallies"]["export"]["requests"] >= 1
    assert ended.json["content_digest"].startswith("sha256:")
    told = noldo("status", tmp_path / "run", "--json", env=dict(os.environ)).json
    assert told["why_ended"] == "finished"
    again = noldo(*command, *settings(milan(tmp_path), project), env=dict(os.environ))
    assert again.json["parts_made"] == 0
    assert again.json["content_digest"] == ended.json["content_digest"]


def test_the_settings_are_ones_that_the_recipe_knows(noldo: Noldo, tmp_path: Path) -> None:
    told = noldo("plan", NOL, *settings(milan(tmp_path), "any"), "--json")
    assert told.status == 0, told.err
    assert told.json["locations"] == 1
