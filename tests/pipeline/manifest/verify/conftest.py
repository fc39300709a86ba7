"""Small published trees, and copies of them with something changed in the index."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.manifest.index import SCHEMA, write_index
from pipeline.manifest.verify import documents
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.tree import PublishedTree, open_tree
from pipeline.schema.layout import RunLayout

Rows = list[dict[str, Any]]
"""Of an index, as plain data."""

TRAIN_TILES = {"dw_a": (7.0, 46.0), "dw_b": (7.5, -40.0), "dw_c": (-179.9995, 60.0), "dw_d": (8.0, 46.0)}
TEST_TILES = {"dw_t": (11.0, 5.0), "dw_u": (12.0, 6.0)}


@pytest.fixture(scope="session")
def tiles_run(make_dw_run: Callable[..., RunLayout], tmp_path_factory: pytest.TempPathFactory) -> RunLayout:
    """A published set of two splits, one of its tiles across the date line: change nothing in it."""
    return make_dw_run(tmp_path_factory.mktemp("dw") / "run", TRAIN_TILES, TEST_TILES)


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[RunLayout], Path]:
    """A run -> the folder of a copy of what of it is published."""

    def copy(run: RunLayout) -> Path:
        root = tmp_path / "copy"
        for name in ("manifest", "store"):
            shutil.copytree(run.root / name, root / name, ignore=shutil.ignore_patterns(".*"))
        return root

    return copy


@pytest.fixture(scope="session")
def rewritten(
    tiles_run: RunLayout, tmp_path_factory: pytest.TempPathFactory, told: Callable[[Any], list[str]]
) -> Callable[[str, Callable[[str], str]], list[str]]:
    """(path, change of its text) -> what the documents' check finds where that document is changed.

    One copy of the tiles serves all; each document is put back.
    """
    root = tmp_path_factory.mktemp("rewritten") / "copy"
    for name in ("manifest", "store"):
        shutil.copytree(tiles_run.root / name, root / name, ignore=shutil.ignore_patterns(".*"))
    tree = opened(root)

    def rewrite(path: str, how: Callable[[str], str]) -> list[str]:
        text = (root / path).read_text()
        (root / path).write_text(how(text))
        try:
            return told(documents.check(tree))
        finally:
            (root / path).write_text(text)

    return rewrite


@pytest.fixture
def changed(copied: Callable[[RunLayout], Path]) -> Callable[..., PublishedTree]:
    """(run, change of its index's rows) -> a copy with the changed index, opened."""

    def change(run: RunLayout, how: Callable[[Rows], Rows | None]) -> PublishedTree:
        root = copied(run)
        rows = pq.read_table(run.index).to_pylist()
        given = how(rows)
        write_index(root / "manifest/index.parquet", pa.Table.from_pylist(rows if given is None else given, SCHEMA))
        return opened(root)

    return change


@pytest.fixture(scope="session")
def open_published() -> Callable[[Path], PublishedTree]:
    """A folder -> it opened, all of its manifest being readable."""
    return opened


def opened(root: Path) -> PublishedTree:
    tree, _ = open_tree(root)
    assert tree is not None
    assert not tree.unread
    return tree


@pytest.fixture(scope="session")
def told() -> Callable[[Any], list[str]]:
    """Findings as lines 'where: what'."""

    def lines(findings: Any) -> list[str]:
        found: list[Finding] = list(findings)
        assert all("\n" not in one.what for one in found)
        return [f"{one.where}: {one.what}" for one in found]

    return lines
