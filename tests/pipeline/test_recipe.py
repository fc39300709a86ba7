from pathlib import Path
from typing import Any

import pytest

from pipeline.recipe import EarthEngineSettings, EmulatorSettings, load_recipe
from pipeline.schema.errors import UsageError

GOOD = """
sample: {count: 4, seed: 1}
source: {kind: emulator, seed: 7}
"""


def recipe_file(tmp_path: Path, text: str = GOOD) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    return path


def test_defaults_are_filled_in(tmp_path: Path) -> None:
    recipe = load_recipe(recipe_file(tmp_path))
    assert recipe.source == EmulatorSettings(seed=7)
    assert recipe.canonical()["seasons"]["cloud_max_pct"] == 20


def test_only_kind_and_project_make_it_the_real_service(tmp_path: Path) -> None:
    local = load_recipe(recipe_file(tmp_path))
    real = load_recipe(recipe_file(tmp_path), ["source={kind: earthengine, project: p}"])
    assert isinstance(real.source, EarthEngineSettings)
    differing = {k for k, v in real.canonical().items() if local.canonical()[k] != v}
    assert differing == {"source"}


@pytest.mark.parametrize(
    "how",
    ["source.faults='429:0.1'", "source.latency_s=2", "source.url=http://127.0.0.1:1", "export.concurrency=9",
     "pretrain={epochs: 3}", "part_locations=3"],
)  # fmt: skip
def test_the_digest_does_not_depend_on_how_it_runs(tmp_path: Path, how: str) -> None:
    path = recipe_file(tmp_path)
    assert load_recipe(path, [how]).digest() == load_recipe(path).digest()


@pytest.mark.parametrize(
    "what",
    ["sample.count=5", "sample.seed=2", "source.seed=8", "seasons.window_days=20", "store.shard_rows=4",
     "quality.dw_min_valid_share=0.9", "export.radar_resampling=nearest",
     "source={kind: earthengine, project: p}"],
)  # fmt: skip
def test_the_digest_depends_on_what_comes_out(tmp_path: Path, what: str) -> None:
    path = recipe_file(tmp_path)
    assert load_recipe(path, [what]).digest() != load_recipe(path).digest()


def test_the_digest_does_not_depend_on_how_it_is_written(tmp_path: Path) -> None:
    first = load_recipe(recipe_file(tmp_path))
    other = "source:\n  seed: 7\n  kind: emulator\nsample:\n  seed: 1\n  count: 4.0\nname: nol\n"
    assert load_recipe(recipe_file(tmp_path, other)).digest() == first.digest()


@pytest.mark.parametrize(
    ("text", "sets", "says"),
    [
        ("sample: [1", [], "line 1 is not valid YAML"),
        ("- a\n", [], "is no recipe"),
        (
            GOOD + "seasons:\n  anchors: [2019-06-31]\n",
            [],
            "is not valid YAML: 2019-06-31 is no date: day is out of range",
        ),
        (GOOD, ["seasons.anchors=[2019-06-31]"], "--set seasons.anchors=[2019-06-31]: 2019-06-31 is no date"),
        (GOOD + "seson: {}\n", [], "unknown key 'seson'; did you mean 'seasons'?"),
        (GOOD, ["sample.cuont=3"], "unknown key 'sample.cuont'; did you mean 'count'?"),
        (GOOD, ["source.sed=3"], "unknown key 'source.sed'; did you mean 'seed'?"),
        (GOOD, ["sample.count=many"], "'sample.count' is 'many': input should be a valid integer"),
        (GOOD, ["sample.count"], "expected KEY.PATH=VALUE"),
        (GOOD, ["sample.count.x=1"], "'count' holds a value"),
        (GOOD + "name: a b\n", [], "'name' is 'a b'"),
        ("source: {kind: emulator}", [], "'sample' is missing"),
        ("sample: {count: 3}\nsource: {kind: earthengine}\n", [], "'source.project' is missing"),
    ],
)
def test_bad_recipes_give_one_plain_line(tmp_path: Path, text: str, sets: list[str], says: str) -> None:
    path = recipe_file(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        load_recipe(path, sets)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_absent_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the recipe .*absent.yaml"):
        load_recipe(tmp_path / "absent.yaml")


def test_an_absent_recipe_is_named_with_the_folder_it_was_looked_for_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=rf"cannot read the recipe absent.yaml in {tmp_path}: No such file"):
        load_recipe(Path("absent.yaml"))


def test_set_makes_sections_that_are_not_there(tmp_path: Path) -> None:
    raw: dict[str, Any] = load_recipe(recipe_file(tmp_path), ["quality.dw_min_valid_share=0.25"]).canonical()
    assert raw["quality"]["dw_min_valid_share"] == 0.25


def test_a_list_counts_by_its_content_not_by_its_path(tmp_path: Path) -> None:
    path = recipe_file(tmp_path)
    here = load_recipe(path, ["sample={from: /a/list.parquet}"])
    there = load_recipe(path, ["sample={from: /b/list.parquet}"])
    assert here.digest("1f") == there.digest("1f") != there.digest("2e")
    assert here.published()["sample"]["from"] == "list.parquet"
