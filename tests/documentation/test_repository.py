"""Links out of docs/ become links to pages of the site."""

from pathlib import Path

import pytest

from documentation.repository import linked_files, page_of, relinked, site_path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in {
        "notes/how-to/a.md": "[recipe](../../recipes/x.yaml), [notes](../../data/README.md#all), [b](b.md), [web](https://e.org)",
        "notes/how-to/b.md": "[a](a.md)",
        "recipes/x.yaml": "a: 1\n",
        "data/README.md": "[a](../notes/how-to/a.md) and [results](results)",
        "data/results/one.json": "{}",
        "data/other.txt": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_what_pages_link_to_is_found_and_no_more(root: Path) -> None:
    found = linked_files(root, root / "notes", Path.read_text)
    names = [file.relative_to(root).as_posix() for file in found]
    assert names == ["data/README.md", "data/results", "data/results/one.json", "recipes/x.yaml"]


def test_links_are_turned(root: Path) -> None:
    page = root / "notes/how-to/a.md"
    assert relinked(page.read_text(), page, "how-to/a.md", root, root / "notes") == (
        "[recipe](../repository/recipes/x.yaml.md), [notes](../repository/data/README.md#all), [b](b.md), [web](https://e.org)"
    )
    notes = root / "data/README.md"
    assert relinked(notes.read_text(), notes, site_path(notes, root), root, root / "notes") == (
        "[a](../../how-to/a.md) and [results](results/index.md)"
    )


def test_files_are_shown_as_they_are(root: Path) -> None:
    assert page_of(root / "recipes/x.yaml").endswith("# x.yaml\n\n````yaml\na: 1\n````\n")
    assert page_of(root / "data/results").endswith("- [one.json](one.json)")
