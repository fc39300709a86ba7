"""What MkDocs calls while it builds (www.mkdocs.org, 'Hooks'): pages are filled in, and links out of docs/ mended."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).parents[1]
sys.path[:0] = [] if str(ROOT) in sys.path else [str(ROOT)]  # MkDocs loads this file by its path

from documentation import command_page, not_run, recipe_files, recipe_keys, repository, store_page  # noqa: E402

DOCS: Final = ROOT / "docs"

MARK: Final = re.compile(r"^<!-- filled in: ([\w-]+)(?: ([\w-]+))? -->$", re.MULTILINE)
"""Stands in a page for what is made of the program's own text."""

MAKERS: Final[dict[str, Callable[..., str]]] = {
    "commands": command_page.command_page,
    "recipe": recipe_keys.recipe_page,
    "recipe-files": lambda: recipe_files.recipe_table(ROOT),
    "pretraining-arrays": store_page.pretraining_arrays,
    "tile-arrays": store_page.tile_arrays,
    "legends": store_page.legends,
    "index-columns": store_page.index_columns,
    "commands-run": lambda: not_run.run_table(ROOT),
    "commands-not-run": lambda: not_run.not_run_sections(ROOT),
}


def filled(markdown: str) -> str:
    """A page with every mark replaced by what it stands for; KeyError where there is no such thing."""
    return MARK.sub(lambda mark: MAKERS[mark[1]](*([mark[2]] if mark[2] else [])), markdown)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for every file of the repository that the pages link to."""
    for file in repository.linked_files(ROOT, DOCS, lambda page: filled(page.read_text(encoding="utf-8"))):
        page = File.generated(
            config,
            repository.site_path(file, ROOT),
            content=repository.page_of(file),
            inclusion=InclusionLevel.NOT_IN_NAV,
        )
        files.append(page)
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Fill a page in, and turn its links."""
    at = page.file.src_uri
    source = DOCS / at
    if at.startswith(f"{repository.FOLDER}/"):
        inside = at.removeprefix(f"{repository.FOLDER}/")
        source = next(
            ROOT / one
            for one in (inside, inside.removesuffix(".md"), inside.removesuffix("/index.md"))
            if (ROOT / one).exists()
        )
    return repository.relinked(filled(markdown), source, at, ROOT, DOCS)
