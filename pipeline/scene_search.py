"""Every scene that qualifies, asked for together; what one place cannot be told does not keep the others from it."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from pipeline.schema.errors import FailureKind, SourceError
from pipeline.sources.protocol import SceneLimits, SceneSlot, SlotScenes, Source

Place = TypeVar("Place")

Answer = TypeVar("Answer")

MORE_CANDIDATES: Final = 16
"""A slot whose scenes may have been cut off is asked for again with this many times the limit."""

MOST_REFUSALS: Final = 6
"""So many smaller questions refused, and none answered: it is not one place's fault."""


def every_scene(slots: Sequence[SceneSlot], limits: SceneLimits, source: Source) -> list[SlotScenes]:
    """Every scene that qualifies: where an answer is as long as the limit, some may be missing, so ask for more.

    A source sorts by one figure; which of several equal scenes it leaves out is its own choice and must not be ours.
    """
    if not slots:
        return []
    found = source.find_scenes(slots, limits)
    full = [at for at, scenes in enumerate(found) if max(len(scenes.s2), len(scenes.s1)) >= limits.max_candidates]
    if full:
        more = replace(limits, max_candidates=limits.max_candidates * MORE_CANDIDATES)
        for at, scenes in zip(full, every_scene([slots[at] for at in full], more, source), strict=True):
            found[at] = scenes
    return found


def asked_together(
    places: Sequence[Place],
    ask: Callable[[Sequence[Place]], list[Answer]],
    failed: Callable[[Place, SourceError], Answer],
) -> list[Answer]:
    """An answer for every place, in order: `ask` for all at once, and where that is refused for halves of them.

    `failed` makes the answer of a place that is refused by itself, also where it is the only one. Raises SourceError
    where the failure may pass, or MOST_REFUSALS smaller questions are refused and none is answered, so that a project
    without access is not asked hundreds of times.
    """
    try:
        return ask(places)
    except SourceError as error:
        if error.kind is not FailureKind.PERMANENT or not places:
            raise
        refused = error
    return _bisect(places, ask, failed, refused)  # outside, so that its errors have no earlier one as context


def _bisect(
    places: Sequence[Place],
    ask: Callable[[Sequence[Place]], list[Answer]],
    failed: Callable[[Place, SourceError], Answer],
    error: SourceError,
) -> list[Answer]:
    answers: dict[int, Answer] = {}
    refused = deque([(range(len(places)), error)])
    refusals, answered = 0, False
    while refused:
        group, reason = refused.popleft()
        if len(group) == 1:
            answers[group[0]] = failed(places[group[0]], reason)
            continue
        half = len(group) // 2
        for part in (group[:half], group[half:]):
            try:
                found = ask([places[at] for at in part])
            except SourceError as again:
                if again.kind is not FailureKind.PERMANENT:
                    raise
                refused.append((part, again))
                refusals += 1
            else:
                answers.update(zip(part, found, strict=True))
                answered = True
        if refusals >= MOST_REFUSALS and not answered:
            raise error
    return [answers[at] for at in range(len(places))]
