"""The templates of the pages, what they need, and the styles and scripts that are written into a page."""

from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.report import words

STYLES: Final = (
    "colours", "page", "map", "funnel", "tables", "charts", "browser", "selection", "check", "phone", "print",
)  # fmt: skip
"""Files of style/, in the order in which later ones overrule earlier ones."""

SCRIPTS: Final = (
    "common", "theme", "sections", "browser", "pixel", "enlarge", "map_view", "map_grid", "map_marks", "copy",
)  # fmt: skip
"""Files of script/, in the order in which they run; each sees what `common` defines."""


@cache
def environment() -> Environment:
    """Where the page's templates are loaded from, with the filters that they use."""
    environment = Environment(
        loader=PackageLoader("pipeline.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(words, name) for name in ("percent", "decimal", "count", "size", "duration", "shade", "figure")
    }
    environment.globals["position"] = words.position
    environment.globals |= {"css": styles(), "js": scripts()}
    return environment


def styles() -> Markup:
    """The page's style sheet."""
    return Markup("").join(_asset("style", f"{name}.css") for name in STYLES)


def scripts() -> Markup:
    """The page's script: its files one after another in one function, so that no name leaves it."""
    body = Markup("").join(_asset("script", f"{name}.js") for name in SCRIPTS)
    return Markup('(() => {\n"use strict";\n{}})();\n').replace("{}", body)


def _asset(folder: str, name: str) -> Markup:
    """A file of our own, to be inlined as it stands."""
    return Markup(files("pipeline.report").joinpath(folder, name).read_text())  # noqa: S704
