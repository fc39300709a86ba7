"""Every notebook runs from top to bottom, on a small build, without leaving this machine."""

import ast
import json
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


def test_anatomy_of_a_location(execute: Execute, small_run: tuple[Path, Any]) -> None:
    notebook = execute("2-anatomy-of-a-location", run=small_run[0])
    assert pictures(notebook) == 3
    assert "COPERNICUS/S2_HARMONIZED" in told(notebook)


def test_the_funnel(execute: Execute, small_run: tuple[Path, Any]) -> None:
    notebook = execute("3-the-funnel", run=small_run[0])
    assert pictures(notebook) == 4
    assert "too few labels" in told(notebook)


def test_no_notebook_asked_for_anything_outside(outside: Path) -> None:
    assert outside.read_text() == ""
