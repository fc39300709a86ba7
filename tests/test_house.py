"""The house's own rules, held against the tree: sizes, names, and tests that mirror the sources."""

import ast
import statistics
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(p for top in ("pipeline", "training", "benchmarks") for p in (ROOT / top).rglob("*.py"))
MAX_FILE, MAX_MEDIAN, MAX_FUNCTION = 400, 150, 60


def lines(path: Path) -> int:
    return path.read_text().count("\n")


def test_files_are_short() -> None:
    assert SOURCES
    assert {str(p.relative_to(ROOT)): lines(p) for p in SOURCES if lines(p) > MAX_FILE} == {}
    assert statistics.median(lines(p) for p in SOURCES) <= MAX_MEDIAN


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_functions_are_short(path: Path) -> None:
    functions = [
        n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = {f.name: (f.end_lineno or 0) - f.lineno + 1 for f in functions}
    assert {name: n for name, n in long.items() if n > MAX_FUNCTION} == {}


def test_no_module_is_a_drawer_for_everything() -> None:
    assert [p.name for p in SOURCES if p.stem in {"utils", "helpers", "common", "misc"}] == []


def test_tests_mirror_the_sources() -> None:
    """tests/pipeline/test_x.py, or test_x_from_some_side.py, tests pipeline/x.py."""
    strangers = []
    tops = ("pipeline", "training", "benchmarks")
    for test in sorted(p for top in tops for p in (ROOT / "tests" / top).rglob("test_*.py")):
        sources = {p.stem for p in (ROOT / test.parent.relative_to(ROOT / "tests")).iterdir()}
        name = test.stem.removeprefix("test_")
        if not any(name == source or name.startswith(f"{source}_") for source in sources):
            strangers.append(str(test.relative_to(ROOT)))
    assert strangers == []


def test_the_import_contracts_know_every_module() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    named = {c["name"]: set(c.get("forbidden_modules", [])) | set(c.get("source_modules", [])) for c in contracts}
    modules = {f"pipeline.{p.stem}" for p in (ROOT / "pipeline").iterdir() if p.suffix == ".py" or p.is_dir()}
    modules -= {"pipeline.__init__", "pipeline.__pycache__", "pipeline.schema", "pipeline.cli", "pipeline.emulator"}
    for contract in (
        "training imports pipeline.schema and nothing else of pipeline",
        "The emulator imports the schema only",
        "Nothing but cli imports the emulator",
    ):
        assert modules - named[contract] == set()


def test_recipes_name_no_unknown_key() -> None:
    import yaml

    from pipeline.recipe import load_recipe
    from pipeline.schema.strict import validated
    from training.settings import PretrainSettings

    recipes = sorted((ROOT / "recipes").glob("*.yaml"))
    assert recipes
    for path in recipes:
        raw = yaml.safe_load(path.read_text())
        if "sample" in raw:
            load_recipe(path)
        if "pretrain" in raw:
            validated(PretrainSettings, raw["pretrain"], where=path.name)
