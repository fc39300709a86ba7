"""Join.*: pairs of two collections."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.emulator.functions_collections import sorted_by
from pipeline.emulator.registry import serves
from pipeline.emulator.replies import RequestError
from pipeline.emulator.values import Collection, Element, Feature, Filter, Image, Join, Listed

Matches = Sequence[tuple[Element, float | None]]
"""Secondary elements with the measure of the condition, in the collection's order."""


def _marked(matches: Matches, key: str | None) -> list[Element]:
    """The matches, each with its measure as a property where a key is given."""
    return [e if key is None or m is None else e.with_properties({key: m}) for e, m in matches]


@dataclass(frozen=True)
class Simple(Join):
    """Primary elements that match anything, or nothing where `inverted`."""

    inverted: bool

    def join(self, primary: Element, matches: Matches) -> Sequence[Element]:
        """The element itself, or nothing."""
        return [primary] if bool(matches) != self.inverted else []


@dataclass(frozen=True)
class Inner(Join):
    """One feature a pair; its id joins the two ids with '_'."""

    primary_key: str
    secondary_key: str
    measure_key: str | None

    def join(self, primary: Element, matches: Matches) -> Sequence[Element]:
        """The pairs."""
        pairs = []
        for secondary, measure in matches:
            properties: dict[str, Any] = {self.primary_key: primary, self.secondary_key: secondary}
            if self.measure_key is not None and measure is not None:
                properties[self.measure_key] = measure
            pairs.append(Feature(properties, f"{primary.index}_{secondary.index}"))
        return pairs


@dataclass(frozen=True)
class Save(Join):
    """Matches as a property of the primary element: all of them as a list, or the first alone."""

    key: str
    ordering: str | None
    ascending: bool
    measure_key: str | None
    outer: bool
    """Whether primary elements without matches stay."""
    first_only: bool

    def join(self, primary: Element, matches: Matches) -> Sequence[Element]:
        """The primary element with its matches, or nothing."""
        found: Sequence[Element] = _marked(matches, self.measure_key)
        if self.ordering is not None:
            found = sorted_by(found, self.ordering, self.ascending)
        if not found:
            empty = primary if self.first_only else primary.with_properties({self.key: []})
            return [empty] if self.outer else []
        return [primary.with_properties({self.key: found[0] if self.first_only else list(found)})]


@dataclass(frozen=True)
class SaveBest(Join):
    """The match with the smallest measure as a property of the primary element."""

    key: str
    measure_key: str
    outer: bool

    def join(self, primary: Element, matches: Matches) -> Sequence[Element]:
        """The primary element with its best match, or nothing."""
        if not matches:
            return [primary] if self.outer else []
        if any(measure is None for _, measure in matches):
            raise RequestError("Join.saveBest: the condition gives no measure; use Filter.maxDifference.")
        best = min(matches, key=lambda match: match[1] or 0.0)
        return [primary.with_properties({self.key: _marked([best], self.measure_key)[0]})]


@serves("Join.simple")
def simple() -> Simple:
    """Keep what matches."""
    return Simple(inverted=False)


@serves("Join.inverted")
def inverted() -> Simple:
    """Keep what does not match."""
    return Simple(inverted=True)


@serves("Join.inner")
def inner(primary_key: str, secondary_key: str, measure_key: str | None) -> Inner:
    """Every pair."""
    return Inner(primary_key, secondary_key, measure_key)


@serves("Join.saveFirst")
def save_first(key: str, ordering: str | None, ascending: bool, measure_key: str | None, outer: bool) -> Save:
    """The first match as a property."""
    return Save(key, ordering, ascending, measure_key, outer, first_only=True)


@serves("Join.saveAll")
def save_all(key: str, ordering: str | None, ascending: bool, measure_key: str | None, outer: bool) -> Save:
    """All matches as a property."""
    return Save(key, ordering, ascending, measure_key, outer, first_only=False)


@serves("Join.saveBest")
def save_best(key: str, measure_key: str, outer: bool) -> SaveBest:
    """The nearest match as a property."""
    return SaveBest(key, measure_key, outer)


@serves("Join.apply")
def apply(join: Join, primary: Collection, secondary: Collection, condition: Filter) -> Listed:
    """Join two collections."""
    candidates = secondary.elements()
    results: list[Element] = []
    for element in primary.elements():
        matches = [(c, condition.measure(element, c)) for c in candidates if condition.passes(element, c)]
        results.extend(join.join(element, matches))
    of_images = all(isinstance(r, Image) for r in results) if results else primary.of_images
    return Listed(tuple(results), of_images)
