from collections.abc import Callable
from typing import Any

from pipeline.report.check import check_view
from pipeline.report.gather import gather


def test_digests_are_told_from_facts_by_their_form(make_run: Callable[..., Any]) -> None:
    view = check_view(gather(make_run().layout))
    assert view.digests == (("recipe digest", "cd" * 32), ("content digest · dataset", "ab" * 32))
    assert ("source · kind", "emulator") in view.facts
    assert ("emulated", "yes") in view.facts
    assert "name: nol" in view.recipe
    assert not any("nol" in value for _, value in view.facts)
    assert view.has_checksums


def test_without_a_manifest_there_is_nothing_to_check(make_run: Callable[..., Any]) -> None:
    layout = make_run().layout
    for path in layout.manifest.iterdir():
        path.unlink()
    view = check_view(gather(layout))
    assert (view.digests, view.facts, view.recipe, view.has_checksums) == ((), (), "", False)
