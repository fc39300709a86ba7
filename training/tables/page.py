"""Tables as one self-contained HTML page."""

from collections.abc import Mapping, Sequence
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from training.tables.table import Table
from training.tables.words import cell_words, head_spans


def page(
    title: str, introduction: Sequence[str], notices: Sequence[str], tables: Sequence[Table], figures: Mapping[str, str]
) -> str:
    """The page as text; it asks for nothing from outside.

    `figures`: an <svg> of our own making, by the key of the table that it stands below.
    """
    environment = Environment(
        loader=PackageLoader("training.tables", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["words"] = cell_words
    environment.globals["head_spans"] = head_spans
    style = files("training.tables").joinpath("template", "tables.css").read_text()
    return environment.get_template("tables.html").render(
        title=title,
        introduction=introduction,
        notices=notices,
        tables=tables,
        figures={key: Markup(drawing) for key, drawing in figures.items()},  # noqa: S704 - drawn by matplotlib
        css=Markup(style),  # noqa: S704 - a file of our own
    )
