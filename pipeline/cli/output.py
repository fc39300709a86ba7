"""What commands print on standard output."""

import json
from collections.abc import Sequence
from typing import Any

import click

SET_HELP = "Change a key of the recipe, for example sample.count=32; may be repeated."
JSON_HELP = "Print one JSON object on standard output; progress stays on standard error."


def show(lines: Sequence[str], plain: Any, *, as_json: bool) -> None:
    """Print the lines for a person, or `plain` as one JSON object."""
    click.echo(json.dumps(plain) if as_json else "\n".join(lines))
