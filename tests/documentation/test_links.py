"""Links lead to files of the repository and to headings that there are; to other sites they are at least well formed.

MkDocs checks those between pages of docs/ (test_site.py); here are README.md and its like, and names of files in texts.
"""

import functools
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from markdown.extensions.toc import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

from documentation.hooks import filled

ROOT = Path(__file__).parents[2]

PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / folder / "README.md" for folder in ("notebooks", "manifests")),
    ]
)

TOPS = (
    "benchmarks",
    "containers",
    "docs",
    "documentation",
    "manifests",
    "notebooks",
    "pipeline",
    "recipes",
    "tests",
    "training",
)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def inline(text: str) -> list[Token]:
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return [child for token in tokens for child in token.children or []]


def targets(text: str) -> list[str]:
    found = [
        token.attrGet("href") or token.attrGet("src") for token in inline(text) if token.type in ("link_open", "image")
    ]
    return [str(target) for target in found]


@functools.cache
def anchors(page: Path) -> set[str]:
    """What links can lead to in a page, as MkDocs names its headings."""
    text = filled(page.read_text())
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    headings = [tokens[at + 1] for at, token in enumerate(tokens) if token.type == "heading_open"]
    words = ["".join(child.content for child in heading.children or []) for heading in headings]
    named = re.findall(r'id="([^"]+)"', text)
    return {slugify(text, "-") for text in words} | set(named)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in targets(filled(page.read_text())):
        parts = urlsplit(target)
        if parts.scheme:
            assert parts.scheme == "https", target
            assert re.fullmatch(r"([a-z0-9-]+\.)+[a-z]{2,}", parts.netloc), target
            continue
        file = (page.parent / parts.path) if parts.path else page
        assert file.exists(), f"{name_of(page)} leads to {target}, which is not there"
        if parts.fragment and file.suffix == ".md":
            assert parts.fragment in anchors(file), f"{name_of(page)}: {target}: no such heading"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_named_in_the_text_are_there(page: Path) -> None:
    for token in inline(page.read_text()):
        if token.type == "code_inline" and re.fullmatch(rf"({'|'.join(TOPS)})/[\w./-]+\.[a-z]+", token.content):
            found = ROOT / token.content
            assert found.exists(), f"{name_of(page)} names {token.content}"


def test_pages_that_the_code_names_are_there() -> None:
    """In comments, messages and notebooks."""
    listed = subprocess.run(
        ["git", "grep", "-noE", r"docs/[a-z/-]+\.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    named = {line.rpartition(":")[2]: line for line in listed.stdout.splitlines()}
    assert named
    assert [line for name, line in named.items() if not (ROOT / name).is_file()] == []
