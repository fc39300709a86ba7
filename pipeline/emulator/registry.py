"""Which Earth Engine functions are served, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pipeline.emulator.calls import signatures

Implementation = TypeVar("Implementation", bound=Callable[..., Any])


@dataclass(frozen=True)
class Served:
    """One function of the emulator."""

    call: Callable[..., Any]
    """Takes the values of the signature's arguments in order."""
    lazy: bool
    """Whether it takes functions that compute the values instead."""
    wants_world: bool
    """Whether it takes the World before them."""


_TABLE: Final[dict[str, Served]] = {}


def served_functions() -> Mapping[str, Served]:
    """The functions registered so far."""
    return _TABLE


def serves(*names: str, lazy: bool = False, wants_world: bool = False) -> Callable[[Implementation], Implementation]:
    """Register a function under its real names; each must be published by Earth Engine."""

    def register(implementation: Implementation) -> Implementation:
        for name in names:
            assert name in signatures(), f"{name} is no function of Earth Engine"
            assert name not in _TABLE, f"{name} is served twice"
            _TABLE[name] = Served(implementation, lazy, wants_world)
        return implementation

    return register
