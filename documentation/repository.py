"""Files of the repository that the documentation links to: pages of the site, shown as they are."""

import os
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Final

LINK: Final = re.compile(r"(?<=\]\()(?![a-z]+:|#|/)([^)\s#]+)(#[^)\s]*)?(?=\))")
"""The target of a relative link in Markdown, and what of the page."""

FOLDER: Final = "repository"
"""Where on the site these files lie."""

LANGUAGES: Final = {".yaml": "yaml", ".py": "python", ".toml": "toml", ".json": "json", ".ipynb": "json", "": "docker"}
"""What is shown as text, and coloured so."""


def linked_files(root: Path, docs: Path, read: Callable[[Path], str]) -> list[Path]:
    """Everything outside `docs` that its pages link to, that such Markdown files link to, and what linked folders hold.

    `read` gives the Markdown of a file, as it is shown.
    """
    pages = sorted(docs.rglob("*.md"))
    seen, waiting = set(pages), list(pages)
    while waiting:
        page = waiting.pop()
        leads = _within(page) if page.is_dir() else _targets(page, read(page), root) if page.suffix == ".md" else []
        waiting += [file for file in dict.fromkeys(leads) if file not in seen]
        seen.update(leads)
    return sorted(file for file in seen if not file.is_relative_to(docs))


def site_path(file: Path, root: Path) -> str:
    """Where MkDocs takes the page of a file from, as a path in the folder of pages."""
    inside = PurePosixPath(FOLDER, file.relative_to(root).as_posix())
    if file.is_dir():
        return f"{inside}/index.md"
    return str(inside) if file.suffix in (".md", ".png", ".svg") else f"{inside}.md"


def page_of(file: Path) -> str:
    """A file as a page in Markdown: Markdown as it is, other text in one block, a folder as a list of its files."""
    if file.suffix == ".md":
        return file.read_text(encoding="utf-8")
    title = f"---\nsearch:\n  exclude: true\n---\n\n# {file.name}\n\n"
    if file.is_dir():
        return title + "\n".join(f"- [{one.name}]({one.name})" for one in _within(file))
    return f"{title}````{LANGUAGES.get(file.suffix, 'text')}\n{file.read_text(encoding='utf-8').rstrip()}\n````\n"


def relinked(markdown: str, source: Path, at: str, root: Path, docs: Path) -> str:
    """A page's Markdown with its links to files outside `docs` turned to their pages.

    `source` is the file it was read from, `at` its path among the pages (MkDocs' src_uri).
    """
    return LINK.sub(lambda match: _turned(match, source, at, root, docs), markdown)


def _turned(match: re.Match[str], source: Path, at: str, root: Path, docs: Path) -> str:
    base = source if source.is_dir() else source.parent
    target = Path(os.path.normpath(base / match[1]))
    if not target.exists() or not target.is_relative_to(root):
        return match[0]
    page = target.relative_to(docs).as_posix() if target.is_relative_to(docs) else site_path(target, root)
    return os.path.relpath(page, PurePosixPath(at).parent) + (match[2] or "")


def _targets(page: Path, markdown: str, root: Path) -> list[Path]:
    targets = [Path(os.path.normpath(page.parent / target)) for target, _ in LINK.findall(markdown)]
    return [target for target in targets if target.exists() and target.is_relative_to(root)]


def _within(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.iterdir()) if file.is_file()]
