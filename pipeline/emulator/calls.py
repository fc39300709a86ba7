"""The real signatures of Earth Engine's functions, and the check of a request's calls against them."""

import difflib
import functools
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.emulator import wire
from pipeline.emulator.replies import RequestError


@dataclass(frozen=True)
class Argument:
    """One argument of a function."""

    name: str
    type_name: str
    """As the service names it, for example 'List<String>'."""
    optional: bool
    default: Any
    """Plain JSON; None where there is no default."""


@dataclass(frozen=True)
class Signature:
    """A function as the service publishes it."""

    name: str
    arguments: tuple[Argument, ...]


@functools.cache
def signatures() -> Mapping[str, Signature]:
    """All published functions by name."""
    found = {}
    for entry in wire.algorithms():
        name = entry["name"].removeprefix("algorithms/")
        arguments = tuple(
            Argument(a["argumentName"], a.get("type", "Object"), a.get("optional", False), a.get("defaultValue"))
            for a in entry.get("arguments", [])
        )
        found[name] = Signature(name, arguments)
    return found


def invocations(node: Any) -> Iterator[Mapping[str, Any]]:
    """Every functionInvocationValue in a JSON tree, without recursion, since expressions nest deeply."""
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, Mapping):
            for key, child in current.items():
                if key == "constantValue":
                    continue
                if key == "functionInvocationValue" and isinstance(child, Mapping):
                    yield child
                pending.append(child)
        elif isinstance(current, Sequence) and not isinstance(current, str):
            pending.extend(current)


def check_calls(expression: Any, served: Container[str]) -> None:
    """Refuse (RequestError) calls that the real service would not understand, and those not served here."""
    for call in invocations(expression):
        if "functionReference" in call:
            continue
        _check_call(str(call.get("functionName")), call.get("arguments", {}), served)


def _check_call(name: str, given: Mapping[str, Any], served: Container[str]) -> None:
    signature = signatures().get(name)
    if signature is None:
        near = difflib.get_close_matches(name, signatures(), n=1)
        hint = f"; did you mean '{near[0]}'?" if near else "."
        raise RequestError(f"Unknown function '{name}'{hint}")
    known = {argument.name for argument in signature.arguments}
    for argument in given:
        if argument not in known:
            takes = ", ".join(a.name for a in signature.arguments) or "no arguments"
            raise RequestError(f"{name}: unknown argument '{argument}'; it takes {takes}.")
    for required in signature.arguments:
        if not required.optional and required.name not in given:
            raise RequestError(f"{name}: required argument '{required.name}' is missing.")
    if name not in served:
        raise RequestError(_unserved_message(name, served))


def _unserved_message(name: str, served: Container[str]) -> str:
    """Say that a function exists but not here, and what of its family does."""
    family = name.split(".", maxsplit=1)[0]
    near = [n for n in signatures() if n.split(".", maxsplit=1)[0] == family and n in served]
    what = ", ".join(sorted(near)) or f"nothing of {family}"
    return f"Function {name} is real but not served by this emulator; it serves: {what}."
