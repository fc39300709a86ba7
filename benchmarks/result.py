"""What a benchmark found: figures beside their goals, the machine, the date."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.hardware import Hardware
from pipeline.schema.errors import UsageError


@dataclass(frozen=True)
class Figure:
    """One measured number, with the goal it is held against where there is one."""

    name: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.at_least is None and self.at_most is None:
            return None
        low = self.at_least is None or self.value >= self.at_least
        return low and (self.at_most is None or self.value <= self.at_most)

    @property
    def goal(self) -> str:
        """The goal in words, empty where there is none."""
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        return "" if self.at_most is None else f"at most {self.at_most:g}"


@dataclass(frozen=True)
class BenchmarkResult:
    """One run of one benchmark."""

    theme: str
    """For example 'export'; the command is `noldo bench THEME`."""
    measured_on: date
    hardware: Hardware
    settings: Mapping[str, Any]
    """What was run, as plain data."""
    figures: tuple[Figure, ...]

    @property
    def file_name(self) -> str:
        """Theme, hardware and date, as results are kept."""
        return f"{self.measured_on:%Y-%m-%d}-{self.theme}-{self.hardware.label}.json"

    def lines(self) -> list[str]:
        """For a person: the machine, the settings, and a line a figure with its goal beside it."""
        settings = ", ".join(f"{key} {value}" for key, value in self.settings.items())
        head = [f"{self.theme} on {self.hardware.line}", f"  {settings}", f"  {'':<44}{'measured':>12}  goal"]
        return [*head, *(_line(figure) for figure in self.figures)]

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        figures = [{**asdict(figure), "met": figure.met} for figure in self.figures]
        return {
            "theme": self.theme,
            "date": self.measured_on.isoformat(),
            "hardware": asdict(self.hardware),
            "settings": dict(self.settings),
            "figures": figures,
        }

    def write(self, path: Path) -> Path:
        """Keep it as JSON: at `path`, or under its own name where that is a folder; returns the file."""
        target = path / self.file_name if path.is_dir() else path
        try:
            target.write_text(json.dumps(self.as_json(), indent=2) + "\n")
        except OSError as error:
            raise UsageError(f"cannot write {target}: {error.strerror}; choose another --out") from error
        return target


def _line(figure: Figure) -> str:
    verdict = {None: "", True: "met", False: "MISSED"}[figure.met]
    name = f"{figure.name}, {figure.unit}" if figure.unit else figure.name
    return f"  {name:<44}{_rounded(figure.value):>12}  {figure.goal:<16}{verdict}".rstrip()


def _rounded(value: float) -> str:
    """Four significant digits, without an exponent."""
    return f"{value:.0f}" if abs(value) >= 1000 or float(value).is_integer() else f"{value:.4g}"
