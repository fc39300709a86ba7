"""Python and the installed packages, held against what this package and theirs ask for."""

import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import Final

from packaging.requirements import Requirement

from pipeline.doctor.finding import Finding, Health

OWN_NAME: Final = "noldo"
OLDEST_PYTHON: Final = (3, 11)
"""As requires-python in pyproject.toml."""

REINSTALL: Final = "in a clone run 'make setup'; elsewhere 'pip install --upgrade noldo' in a new virtual environment"

SHOWN: Final = ("earthengine-api", "zarr", "dask", "torch", "torchvision")
"""Packages whose versions are told first when somebody asks for help."""


def check_python() -> Finding:
    """The interpreter that runs now."""
    found = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Finding("Python", Health.PROBLEM, found, "use Python 3.11 or newer")
    return Finding("Python", Health.OK, found)


def check_packages(name: str = OWN_NAME) -> Finding:
    """Whether all that package `name` needs, and what those need in turn, is installed in versions that go together."""
    try:
        wrong = sorted(set(contradictions(name)))
    except metadata.PackageNotFoundError:
        return Finding("Packages", Health.PROBLEM, f"{name} itself is not installed", REINSTALL)
    if wrong:
        more = f" (and {len(wrong) - 3} more)" if len(wrong) > 3 else ""
        return Finding("Packages", Health.PROBLEM, "; ".join(wrong[:3]) + more, REINSTALL)
    return Finding("Packages", Health.OK, ", ".join(f"{each} {version}" for each, version in versions().items()))


def versions() -> dict[str, str]:
    """This package's version and those of SHOWN that are installed."""
    installed = {}
    for name in (OWN_NAME, *SHOWN):
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return installed


def contradictions(name: str) -> Iterator[str]:
    """What `name` and everything below it lacks or has in a wrong version, a few words each.

    As `pip check`, but of what this package uses only. PackageNotFoundError where `name` itself is not installed.
    """
    waiting, seen = [Requirement(name)], set()
    metadata.distribution(name)
    while waiting:
        of = waiting.pop()
        if (key := (of.name.lower(), frozenset(of.extras))) in seen:
            continue
        seen.add(key)
        for text in metadata.requires(of.name) or ():
            needed = Requirement(text)
            if not _applies(needed, of.extras):
                continue
            try:
                version = metadata.version(needed.name)
            except metadata.PackageNotFoundError:
                yield f"{of.name} needs {needed.name}{needed.specifier}, which is not installed"
                continue
            if not needed.specifier.contains(version, prereleases=True):
                yield f"{of.name} needs {needed.name}{needed.specifier}, installed is {version}"
            waiting.append(needed)


def _applies(needed: Requirement, extras: set[str]) -> bool:
    if needed.marker is None:
        return True
    return any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras))
