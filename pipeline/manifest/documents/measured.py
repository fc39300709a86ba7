"""What a data set's own statistics say of its labels, in words: shares of classes, and how labels change."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipeline.manifest.described import Described

NO_LABEL: Final = "no label"

RARE: Final = 0.02
"""Share of the labelled pixels below which a class is called rare."""


def measured_labels(described: Described) -> tuple[str, ...]:
    """Sentences on this very data set; none where its statistics count no labels."""
    said = []
    for array, pixels in label_pixels(described).items():
        if sentence := _classes(array, pixels):
            said.append(sentence)
    change = season_change(described)
    if change is not None:
        said.append(
            f"Of pixels labelled in two seasons, {_percent(change)} have another class in the second one; where the "
            "ground does not change that fast, this is noise, and the only noise that can be counted without a truth."
        )
    return tuple(said)


def label_pixels(described: Described) -> dict[str, dict[str, int]]:
    """Pixels by label array and class, 'no label' among the classes, over all splits and seasons."""
    statistics = described.statistics
    if "label_classes" in statistics:
        found = [0] * len(statistics["label_classes"])
        for seasons in _by_split(statistics["label_pixels_per_season"]):
            for season in seasons:
                found = [have + more for have, more in zip(found, season, strict=True)]
        return {"dw": dict(zip(statistics["label_classes"], found, strict=True))}
    total: dict[str, dict[str, int]] = {}
    for store in described.stores:
        for array, classes in statistics.get(store.name, {}).get("label_pixels", {}).items():
            have = total.setdefault(array, {})
            for name, pixels in classes.items():
                have[name] = have.get(name, 0) + pixels
    return total


def season_change(described: Described) -> float | None:
    """Share of pixels, labelled in both seasons of a pair, whose label differs; None where no pair was counted."""
    same = differing = 0
    last = list(described.statistics.get("label_classes", [NO_LABEL])).index(NO_LABEL)
    for pairs in dict(described.statistics.get("label_pairs") or {}).values():
        for pair in pairs:
            for first, row in enumerate(pair["pixels"]):
                for second, pixels in enumerate(row):
                    if last not in (first, second):
                        same += pixels if first == second else 0
                        differing += pixels if first != second else 0
    return differing / (same + differing) if same + differing else None


def _by_split(counted: Mapping[str, Any] | Sequence[Any]) -> list[Any]:
    return list(counted.values()) if isinstance(counted, Mapping) else [counted]


def _classes(array: str, pixels: Mapping[str, int]) -> str:
    labelled = sum(n for name, n in pixels.items() if name != NO_LABEL)
    total = labelled + pixels.get(NO_LABEL, 0)
    if not labelled:
        return f"`{array}`: no pixel has a label." if total else ""
    shares = sorted(((n / labelled, name) for name, n in pixels.items() if name != NO_LABEL), reverse=True)
    rare = [f"{name} ({_percent(share)})" for share, name in shares if share < RARE]
    most = ", ".join(f"{name} {_percent(share)}" for share, name in shares[:3])
    said = f"`{array}`: {_percent(labelled / total)} of the pixels have a label, most often {most}"
    return f"{said}; rare: {', '.join(rare)}." if rare else f"{said}."


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.1f} %"
