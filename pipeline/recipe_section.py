"""The one section of a recipe that a command reads."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.recipe import read_yaml
from pipeline.schema.errors import UsageError


def read_section(path: Path, settings: Sequence[str], name: str, example: str) -> dict[str, Any]:
    """Section `name` of a recipe as plain data, with every `--set name.key=value` applied.

    Raises UsageError where there is none (`example` is a recipe that has it), and for a setting of another section:
    such a setting would change nothing, and nobody would notice.
    """
    for setting in settings:
        dotted, equals, value = setting.partition("=")
        first = dotted.partition(".")[0]
        if equals and first != name:
            meant = f"; did you mean --set {name}.{dotted}={value}?" if first == dotted else ""
            raise UsageError(f"--set {setting}: this command reads only the recipe's section '{name}'{meant}")
    section = read_yaml(path, settings).get(name)
    if not isinstance(section, dict):
        raise UsageError(f"{path} has no '{name}' section; add one, or use {example}")
    return section
