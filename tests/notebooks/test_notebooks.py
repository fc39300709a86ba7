"""Every notebook runs from top to bottom, on a small build, without leaving this machine."""

import ast
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NAMES = sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb"))
DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)

Execute = Callable[..., Any]


def pictures(notebook: Any) -> int:
    return sum("image/png" in out.get("data", {}) for cell in notebook.cells for out in cell.get("outputs", []))


def told(notebook: Any) -> str:
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    return "\n".join(out.get("text") or out.get("data", {}).get("text/plain", "") for out in outputs)


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_kept_without_outputs_and_defines_nothing(name: str) -> None:
    raw = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text())
    nbformat.validate(nbformat.from_dict(raw))
    assert raw["metadata"]["kernelspec"]["name"] == "python3"
    cells = [cell for cell in raw["cells"] if cell["cell_type"] == "code"]
    assert [cell["id"] for cell in cells if cell["outputs"] or cell["execution_count"] is not None] == []
    plain = "\n".join("".join(cell["source"]) for cell in cells)
    code = "\n".join(line for line in plain.splitlines() if not line.startswith("%"))
    assert [ast.unparse(node) for node in ast.walk(ast.parse(code)) if isinstance(node, DEFINES)] == []
    prose = "\n".join("".join(cell["source"]) for cell in raw["cells"] if cell["cell_type"] == "markdown")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", prose)
    assert [link for link in links if not (NOTEBOOKS / link).exists()] == []


def test_the_list_names_every_notebook() -> None:
    listed = re.findall(r"\]\(([^)]+\.ipynb)\)", (NOTEBOOKS / "README.md").read_text())
    assert listed == [f"{name}.ipynb" for name in NAMES]


def test_look_before_you_build(execute: Execute, small_recipe: Path, small_planet_url: str, tmp_path: Path) -> None:
    settings = [f"source.url={small_planet_url}"]
    notebook = execute("1-look-before-you-build", recipe_file=small_recipe, settings=settings, look_at=3, out=tmp_path)
    assert pictures(notebook) == 2
    assert "{'ok': " in told(notebook)
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"].state.values()
    layers = {
        widget.state["name"]: widget.state
        for widget in state
        if widget.state.get("_model_name") == "LeafletImageOverlayModel"
    }
    assert [sum(name.startswith(kind) for name in layers) for kind in ("S1 VV", "S2", "Dynamic World")] == [4, 4, 4]
    assert all(layer["url"].startswith("data:image/png;base64,") for layer in layers.values())


def test_anatomy_of_a_location(execute: Execute, small_run: tuple[Path, Any]) -> None:
    notebook = execute("2-anatomy-of-a-location", run=small_run[0])
    assert pictures(notebook) == 3
    assert "COPERNICUS/S2_HARMONIZED" in told(notebook)


def test_the_funnel(execute: Execute, small_run: tuple[Path, Any]) -> None:
    notebook = execute("3-the-funnel", run=small_run[0])
    assert pictures(notebook) == 4
    assert "too few labels" in told(notebook)


@pytest.fixture(scope="module")
def pretrained(execute: Execute, small_run: tuple[Path, Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The fourth notebook, and where it left its run."""
    out = tmp_path_factory.mktemp("pretrain") / "run"
    changes = {
        "encoder": "tu-test_resnet", "decoder_channels": [16, 16, 8, 8, 8], "crop_px": 64, "batch_size": 2,
        "epochs": 2, "keep_every": 1, "objective": {"ramp_epochs": 2}, "device": "cpu", "threads": 1,
    }  # fmt: skip
    return execute("4-pretrain-and-watch", run=small_run[0], out=out, changes=changes), out


def test_pretrain_and_watch(pretrained: Any) -> None:
    notebook, out = pretrained
    assert pictures(notebook) == 3
    assert len((out / "log.jsonl").read_text().splitlines()) == 2


def test_your_own_recipe(execute: Execute, small_planet_url: str, tmp_path: Path) -> None:
    changes = {
        "encoder": "tu-test_resnet", "decoder_channels": [16, 16, 8, 8, 8], "crop_px": 64, "batch_size": 2,
        "epochs": 1, "device": "cpu", "threads": 1,
    }  # fmt: skip
    settings = [f"source.url={small_planet_url}", "part_locations=2"]
    notebook = execute("5-your-own-recipe", out=tmp_path, locations=5, settings=settings, workers=1, changes=changes)
    assert pictures(notebook) == 2
    assert "unknown key 'seasons.window_dayz'" in told(notebook)
    learnt = json.loads((tmp_path / "pretrain" / "result.json").read_text())
    assert learnt["against"] == "four-classes.zarr"


def test_transfer(execute: Execute, pretrained: Any, dw_run: Path, tmp_path: Path) -> None:
    changes = {
        "decoder_channels": [16, 16, 8, 8, 8], "epochs": 1, "cosine_epochs": 1, "crop_px": 64, "seeds": 1,
        "window_px": 256, "overlap": 0.0, "device": "cpu", "threads": 1,
    }  # fmt: skip
    weights = pretrained[1] / "weights.safetensors"
    notebook = execute("6-transfer", weights=weights, store=dw_run, out=tmp_path, changes=changes)
    assert pictures(notebook) == 2
    (table,) = (out.data["text/markdown"] for cell in notebook.cells for out in cell.get("outputs", [])
                if "text/markdown" in out.get("data", {}))  # fmt: skip
    ours = [line for line in table.splitlines() if "ours, emulated" in line]
    assert sorted(line.split("|")[3].split()[0] for line in ours) == ["CromSS", "Random"]


def test_no_notebook_asked_for_anything_outside(outside: Path) -> None:
    assert outside.read_text() == ""
