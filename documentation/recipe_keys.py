"""Every key of a recipe, from the settings that read it: the same classes that refuse what is wrong."""

from collections.abc import Iterator
from inspect import cleandoc
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from documentation.cells import code, plain, table
from documentation.value_words import models, value_words
from pipeline.import_recipe import ImportRecipe
from pipeline.osm_recipe import OsmRecipe
from pipeline.recipe import Recipe
from pipeline.tile_recipe import DwRecipe
from training.compare.settings import CompareSettings
from training.pseudo.settings import PseudoLabelSettings
from training.robustness.settings import RobustnessSettings
from training.settings import PretrainSettings
from training.transfer.settings import TransferSettings

RECIPES: Final[dict[str, tuple[type[BaseModel], str]]] = {
    "build": (Recipe, ""),
    "dw": (DwRecipe, ""),
    "osm": (OsmRecipe, ""),
    "import": (ImportRecipe, ""),
    "pretrain": (PretrainSettings, "pretrain"),
    "pseudo-label": (PseudoLabelSettings, "pseudo_label"),
    "transfer": (TransferSettings, "transfer"),
    "compare": (CompareSettings, "compare"),
    "robustness": (RobustnessSettings, "robustness"),
}
"""The settings of each kind of recipe, and the section of the file that holds them; none: the whole file."""

ELSEWHERE: Final = {"pretrain": PretrainSettings}
"""Sections that have a page of their own."""


def recipe_page(kind: str) -> str:
    """Markdown: a section and a table for every group of keys."""
    model, section = RECIPES[kind]
    return "\n\n".join(_sections(model, section, ""))


def undocumented(model: type[BaseModel]) -> Iterator[str]:
    """Keys, of these settings and those within, of which nothing is said."""
    for name, field in model.model_fields.items():
        if not _what(field):
            yield f"{model.__name__}.{name}"
        for inner in models(field.annotation):
            yield from undocumented(inner)


def _sections(model: type[BaseModel], path: str, which: str) -> Iterator[str]:
    if path:
        yield f"## {path}{which}"
    yield plain(_first_paragraphs(model))
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    yield table(
        ("Key", "Value", "Default", "What it does"),
        ([_key(path, key), value_words(key, field), _default(field), _what(field)] for key, field in fields.items()),
    )
    for key, field in sorted(fields.items(), key=lambda item: item[0] == "release"):
        within = [inner for inner in models(field.annotation) if inner is not ELSEWHERE.get(key)]
        for inner in within:
            of = f" ({_kind(inner)})" if len(within) > 1 else ""
            yield from _sections(inner, f"{path}.{key}".lstrip("."), which + of)


def _key(path: str, key: str) -> str:
    whole = f"{path}.{key}".lstrip(".")
    return f'<span id="{whole}">{code(key)}</span>'


def _first_paragraphs(model: type[BaseModel]) -> str:
    return cleandoc(model.__doc__ or "")


def _what(field: FieldInfo) -> str:
    if field.description:
        return plain(field.description)
    inner = models(field.annotation)
    if inner:
        return plain(" ".join(_first_paragraphs(one).split("\n\n")[0] for one in inner))
    if get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1:
        return "Says which keys follow."
    return ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value: Any = field.get_default(call_default_factory=True)
    if value is None or value is PydanticUndefined or value in ("", (), {}):
        return "none"
    if isinstance(value, BaseModel):
        return "its own"
    return code(_yaml(value))


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(_yaml(one) for one in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _kind(model: type[BaseModel]) -> str:
    field = model.model_fields.get("kind")
    return model.__name__ if field is None else f"kind: {field.default}"
