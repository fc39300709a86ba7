"""The site is built without a warning, asks nothing of the network, and its search finds what the program says."""

import functools
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click
import pytest
from markdown.extensions.toc import slugify
from markdown_it import MarkdownIt

from documentation.recipe_keys import RECIPES, undocumented
from pipeline.cli.main import noldo

ROOT = Path(__file__).parents[2]

SEARCH_S = 4
"""How long a page with a question is given to answer it, in a worker that Chromium does not wait for by itself."""

CHROMIUM = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--enable-logging=stderr", "--v=0",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--virtual-time-budget=5000", "--dump-dom",
)  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as by `make docs`."""
    out = tmp_path_factory.mktemp("documentation") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", out],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return out


class Handler(SimpleHTTPRequestHandler):
    """Serves the site; a page that is asked a question also waits for an answer that takes its time."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/slow":
            time.sleep(SEARCH_S)
            self.send_response(204)
            self.end_headers()
        elif "?q=" in self.path:
            page = Path(self.directory, self.path.lstrip("/").partition("?")[0]).read_bytes()
            body = page.replace(b"</body>", b"<script>fetch('/slow')</script></body>")
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        else:
            super().do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the screen."""


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served."""
    Handler.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def opened(url: str, folder: Path, *options: str) -> tuple[str, list[str]]:
    """A page's DOM after its scripts have run, and the lines of its console."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.fail("no 'chromium' on the PATH: run `make browser`")
    command = [browser, *CHROMIUM, f"--user-data-dir={folder / 'profile'}", *options, url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=90)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


class Resources(HTMLParser):
    """The addresses that a page has its browser fetch; not those that it only links to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag in ("img", "script", "iframe", "source", "audio", "video", "embed"):
            self.found.append(told.get("src") or "")
        if tag == "link" and told.get("rel") not in ("canonical", "next", "prev", "alternate"):
            self.found.append(told.get("href") or "")


def test_pages_fetch_nothing_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        resources = Resources()
        resources.feed(page.read_text())
        assert [one for one in resources.found if re.match(r"(https?:)?//", one)] == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", style.read_text()), style


@pytest.mark.parametrize("page", ["index.html", "reference/recipes/build.html"])
def test_pages_draw_without_a_word_in_the_console(address: str, page: str, tmp_path: Path) -> None:
    dom, console = opened(f"{address}/{page}", tmp_path)
    assert console == []
    assert "<h1" in dom
    assert 'class="md-search__input"' in dom


def test_the_search_finds_a_key_where_it_is_explained(address: str, tmp_path: Path) -> None:
    dom, console = opened(f"{address}/index.html?q=s2_max_dark_level", tmp_path)
    assert console == []
    assert re.search(r'href="[^"]*/reference/recipes/build\.html\?[^"]*#quality"', dom)


def test_every_command_and_option_is_in_the_reference(site: Path) -> None:
    page = (site / "reference" / "commands.html").read_text()

    def require(command: click.Command, path: str) -> None:
        assert f'id="{slugify(path, "-")}"' in page
        for option in command.params:
            if isinstance(option, click.Option):
                assert all(f"<code>{name}</code>" in page for name in option.opts), (path, option.opts)
        for name, below in getattr(command, "commands", {}).items():
            require(below, f"{path} {name}")

    for name, command in noldo.commands.items():
        require(command, f"noldo {name}")


@pytest.mark.parametrize("kind", RECIPES)
def test_every_key_of_a_recipe_is_in_the_reference(site: Path, kind: str) -> None:
    model, _ = RECIPES[kind]
    assert list(undocumented(model)) == []
    page = (site / "reference" / "recipes" / f"{kind}.html").read_text()
    for name, field in model.model_fields.items():
        assert f"<code>{field.alias or name}</code>" in page


def test_python_is_documented_by_its_docstrings(site: Path) -> None:
    page = (site / "reference" / "python" / "pytorch.html").read_text()
    assert 'id="training.plain_dataset.PatchDataset"' in page
    assert "Every season of every row of a store" in page


def test_nothing_is_left_to_be_filled_in(site: Path) -> None:
    assert [page.name for page in site.rglob("*.html") if "filled in:" in page.read_text()] == []


@pytest.mark.parametrize("tag", ["li", "pre", "td", "h2", "h3", "strong"])
def test_pages_are_read_by_mkdocs_as_by_others(site: Path, tag: str) -> None:
    """Python-Markdown differs from CommonMark, which repositories are shown by: in lists above all."""
    reader = MarkdownIt("commonmark").enable("table")
    for page in sorted((ROOT / "docs").rglob("*.md")):
        text = page.read_text()
        if "filled in:" not in text and "\n::: " not in text:
            built = (site / page.relative_to(ROOT / "docs")).with_suffix(".html").read_text()
            article = built[built.index("<article") : built.index("</article>")]
            counts = [len(re.findall(f"<{tag}[ >]", html)) for html in (reader.render(text), article)]
            assert counts[0] == counts[1], f"{page.relative_to(ROOT)}: {counts[0]} or {counts[1]} of <{tag}>"
