"""Draws the live page: one HTML file, with the look of the report."""

from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from pipeline.live.view import LiveView
from pipeline.report.templates import environment
from pipeline.schema.landcover import DW_CLASSES

RUNNING: Final = 'data-state="running"'
"""What the page of a build that has not ended has in its first lines."""

GRACE_S: Final = 30.0
"""How much later than promised the next page may be before the page that is open says that nobody writes any more."""


def render(view: LiveView, *, report: str = "", grace_s: float = GRACE_S) -> str:
    """The page as text; `report` is the name of the report beside it, where the run has ended and there is one."""
    template = _environment().get_template("live.html")
    return template.render(
        view=view,
        report=report,
        grace_s=grace_s,
        classes=DW_CLASSES,
        live_css=_own("live.css"),
        live_js=_own("live.js"),
    )


@cache
def _environment() -> Environment:
    """The report's filters and style, with our templates."""
    return environment().overlay(loader=PackageLoader("pipeline.live", "template"))


def _own(name: str) -> Markup:
    """A file of our own, to be inlined as it stands."""
    return Markup(files("pipeline.live").joinpath("template", name).read_text())  # noqa: S704
