"""Python on the pages: run on a small build, or, where listed as not run, compiled and every name in it looked up."""

import ast
import builtins
import contextlib
import importlib
import importlib.util
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from documentation.not_run import all_blocks, read_list, reason
from documentation.shown_commands import Block

ROOT = Path(__file__).parents[2]

BLOCKS = [block for block in all_blocks(ROOT) if block.language == "python"]


def label(block: Block) -> str:
    return f"{block.page}-{block.line}"


def imported(tree: ast.Module) -> list[tuple[str, str | None]]:
    """What a block imports: module, and name in it."""
    found: list[tuple[str, str | None]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(one.name, None) for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(node.module or "", one.name) for one in node.names]
    return found


def unknown_names(tree: ast.Module) -> set[str]:
    """Names that a block reads and nobody gives it."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    given = {node.id for node in names if not isinstance(node.ctx, ast.Load)} | set(dir(builtins))
    given |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            given |= {(one.asname or one.name).partition(".")[0] for one in node.names}
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            given.add(node.name)
        if isinstance(node, ast.ExceptHandler) and node.name:
            given.add(node.name)
    return {node.id for node in names} - given


@pytest.mark.parametrize("block", BLOCKS, ids=label)
def test_blocks_import_what_there_is_and_name_nothing_else(block: Block) -> None:
    tree = ast.parse(block.text)
    why = reason(block, read_list())
    for module, name in imported(tree):
        if importlib.util.find_spec(module.partition(".")[0]) is None:
            assert why is not None, f"{module} is not installed"
            assert module.partition(".")[0] in why.modules, module
            continue
        found = importlib.import_module(module)
        assert name is None or hasattr(found, name), f"{module} has no {name}"
    assert unknown_names(tree) == set()


def write_world(path: Path) -> None:
    """A land cover map of the Earth with classes 0..6, a degree a pixel."""
    classes = np.random.default_rng(0).integers(0, 7, (180, 360), dtype=np.uint8)
    form = {"driver": "GTiff", "width": 360, "height": 180, "count": 1, "dtype": "uint8", "crs": "EPSG:4326"}
    with rasterio.open(path, "w", transform=from_origin(-180, 90, 1, 1), **form) as file:
        file.write(classes, 1)


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")  # rioxarray's own use of affine
@pytest.mark.parametrize("block", [one for one in BLOCKS if reason(one, read_list()) is None], ids=label)
def test_blocks_run(block: Block, small_run: Any, localised: Callable[[str], str], tmp_path: Path) -> None:
    """In a folder with a small build in the place of runs/demo and runs/nol."""
    for build in ("runs/demo", "runs/nol"):
        if build in block.text:
            shutil.copytree(small_run[0], tmp_path / build)
    if "landcover.tif" in block.text:
        write_world(tmp_path / "landcover.tif")
    with contextlib.chdir(tmp_path), contextlib.redirect_stdout(io.StringIO()):
        exec(compile(localised(block.text), label(block), "exec"), {"__name__": "block"})  # noqa: S102 - our own pages
