"""Typed settings that refuse unknown keys and name the nearest known one."""

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from pipeline.schema.errors import UsageError


class Strict(BaseModel):
    """A frozen settings model; unknown keys and values of another type are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_numbers(cls, raw: Any) -> Any:
        """Refuse what pydantic would quietly turn into a number: true, '3'."""
        for name, field in cls.model_fields.items():
            value = raw.get(field.alias or name) if isinstance(raw, Mapping) else None
            wanted = {field.annotation, *getattr(field.annotation, "__args__", ())}
            if wanted & {int, float} and not wanted & {bool, str} and _passes_for_a_number(value):
                raise ValueError(f"'{field.alias or name}' is {value!r}, not a number")
        return raw


def _passes_for_a_number(value: Any) -> bool:
    if not isinstance(value, str):
        return isinstance(value, bool)
    try:
        float(value)
    except ValueError:
        return False
    return True


Model = TypeVar("Model", bound=Strict)


def follow(model: Any, path: tuple[int | str, ...]) -> tuple[list[str], list[str]]:
    """Follow an error's path through nested models: the keys a user wrote, and the keys known at its end.

    Members of a tagged union stand in pydantic's paths but not in the user's file, so they are left out.
    """
    written: list[str] = []
    current = model
    for step in path:
        members = [m for m in (current, *getattr(current, "__args__", ())) if hasattr(m, "model_fields")]
        tagged = [m for m in members if m is not current and _tag(m) == step]
        if tagged:
            current = tagged[0]
            continue
        if not members and not isinstance(step, int):
            break  # a member of a plain union: no key of the user's
        written.append(str(step))
        holders = [m for m in members if _field(m, step) is not None]
        current = _field(holders[0], step).annotation if holders else None
    ends = [m for m in (current, *getattr(current, "__args__", ())) if hasattr(m, "model_fields")]
    return written, sorted({field.alias or name for m in ends for name, field in m.model_fields.items()})


def _field(model: Any, key: int | str) -> Any:
    return next((f for name, f in model.model_fields.items() if key in (f.alias, name)), None)


def _tag(model: Any) -> Any:
    field = getattr(model, "model_fields", {}).get("kind")
    return None if field is None else field.default


def validated(model: type[Model], raw: Mapping[str, Any], where: str) -> Model:
    """Build `model` from plain data, or raise UsageError: one plain line for the first thing found wrong."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise UsageError(f"{where}: {_first_line(model, error)}") from None


def _first_line(model: type[BaseModel], error: ValidationError) -> str:
    problems = error.errors(include_url=False)
    first = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])
    path = first["loc"]
    dotted = ".".join(follow(model, path)[0])
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(path[-1]), follow(model, path[:-1])[1], n=1, cutoff=0.0)
        return f"unknown key '{dotted}'" + (f"; did you mean '{near[0]}'?" if near else "") + more
    if first["type"] == "missing":
        return f"'{dotted}' is missing{more}"
    if first["type"] == "value_error":
        return f"{dotted}: {first['ctx']['error']}{more}".removeprefix(": ")
    if first["type"].startswith("union_tag"):
        return f"'{dotted}': {first['msg'][0].lower()}{first['msg'][1:]}{more}"
    return f"'{dotted}' is {first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}{more}"
