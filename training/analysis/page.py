"""The page that shows all figures of an analysis; it needs no other file."""

import base64
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from training.analysis.exhibit import Missing, Written
from training.analysis.subject import Subject
from training.json_file import write_whole


def write_page(path: Path, subject: Subject, written: Sequence[Written], missing: Sequence[Missing]) -> None:
    """Write the page, figures inlined as PNG and linked beside it as SVG and CSV."""
    template = _environment().get_template("analysis.html")
    css = Markup(files("training.analysis").joinpath("template", "analysis.css").read_text())  # noqa: S704 - our own
    shown = [
        {
            "name": figure.name,
            "title": figure.title,
            "reads": figure.reads,
            "image": base64.b64encode(figure.png.read_bytes()).decode(),
            "files": [file.relative_to(path.parent).as_posix() for file in (figure.svg, figure.png, figure.data)],
        }
        for figure in written
    ]
    write_whole(path, template.render(css=css, runs=subject.runs.listed(), figures=shown, missing=missing))


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("training.analysis", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
