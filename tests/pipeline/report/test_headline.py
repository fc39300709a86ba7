import dataclasses
from collections.abc import Callable
from typing import Any

from pipeline.report.gather import gather
from pipeline.report.headline import headline
from pipeline.report.label_counts import count_labels


def test_the_headline_holds_what_is_known(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=4)
    run = gather(fake.layout)
    counts = count_labels(fake.layout.store("nol"), fake.layout.truth)
    facts = {fact.name: (fact.value, fact.note) for fact in headline(run, counts, 1_234_567)}
    assert facts["Locations kept"] == ("4", "of 8 sampled")
    assert facts["Store on disk"] == ("1.23 MB", "16 S1, S2 and label patches")
    assert facts["Labels that are right"][0] == f"{100 * counts.agreement:.1f}\u202f%"
    assert facts["Training loss"] == ("3.60 → 1.45", "first to last of 6 epochs")
    assert facts["Sentinel-2 network"] == ("61.0\u202f%", "mIoU; the majority class alone: 3.1\u202f%")


def test_what_is_not_known_yet_is_left_out(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=4)
    run = dataclasses.replace(gather(fake.layout), pretraining=None)
    counts = count_labels(fake.layout.store("nol"), None)
    assert [fact.name for fact in headline(run, counts, 10)] == ["Locations kept", "Store on disk"]
    assert [fact.name for fact in headline(run, None, None)] == ["Locations kept"]


def test_a_network_of_sentinel_1_alone_stands_for_itself(make_run: Callable[..., Any]) -> None:
    run = gather(make_run(stored=4).layout)
    result = run.pretraining.result
    scores = {name: score for name, score in result.scores.items() if name != "network_s2"}
    alone = dataclasses.replace(run.pretraining, result=dataclasses.replace(result, scores=scores))
    facts = {fact.name: fact.value for fact in headline(dataclasses.replace(run, pretraining=alone), None, None)}
    assert facts["Sentinel-1 network"] == f"{100 * scores['network_s1'].miou:.1f}\u202f%"
    assert "Sentinel-2 network" not in facts
