"""The few facts at the top of the page."""

from dataclasses import dataclass

from pipeline.report.gather import RunRecord
from pipeline.report.label_counts import LabelCounts
from pipeline.report.training_log import Pretraining
from pipeline.report.words import count, decimal, percent, size


@dataclass(frozen=True)
class Fact:
    """One figure."""

    name: str
    value: str
    note: str


def headline(run: RunRecord, counts: LabelCounts | None, store_bytes: int | None) -> tuple[Fact, ...]:
    """What the run came to; a fact that is not known yet is left out."""
    kept = len(run.stored_ids) or sum(record.kept for record in run.quality)
    sampled = len(run.locations)
    facts = [Fact("Locations kept", count(kept), f"of {count(sampled)} sampled")]
    if counts is not None and store_bytes is not None:
        patches = 4 * counts.rows_in_store
        facts.append(Fact("Store on disk", size(store_bytes), f"{count(patches)} S1, S2 and label patches"))
    if counts is not None and counts.agreement is not None:
        facts.append(Fact("Labels that are right", percent(counts.agreement), "of the labelled pixels, by the truth"))
    if run.pretraining is not None:
        facts.extend(_learnt(run.pretraining))
    return tuple(facts)


def _learnt(pretraining: Pretraining) -> list[Fact]:
    facts = []
    losses = [epoch.train_loss for epoch in pretraining.epochs]
    if losses:
        epochs = "epoch" if len(losses) == 1 else "epochs"
        change = f"{decimal(losses[0], 2)} → {decimal(losses[-1], 2)}"
        facts.append(Fact("Training loss", change, f"first to last of {len(losses)} {epochs}"))
    scores = {} if pretraining.result is None else pretraining.result.scores
    majority = scores.get("majority_class")
    against = "mIoU" if majority is None else f"mIoU; the majority class alone: {percent(majority.miou)}"
    for key, name in (("network_s2", "Sentinel-2 network"), ("network_s1", "Sentinel-1 network")):
        if key in scores:
            facts.append(Fact(name, percent(scores[key].miou), against))
            break
    return facts
