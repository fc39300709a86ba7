"""The templates of the pages and what they need."""

from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.report import words


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
        name: getattr(words, name) for name in ("percent", "decimal", "count", "size", "duration", "shade")
    }
    environment.globals["position"] = words.position
    return environment


def asset(name: str) -> Markup:
    """A file of our own, to be inlined as it stands."""
    return Markup(files("pipeline.report").joinpath("template", name).read_text())  # noqa: S704
