"""Figures made of images: masks, and maps side by side."""

import re
from collections.abc import Iterator
from functools import partial

from training.analysis.exhibit import Exhibit, Missing
from training.analysis.figures.masks import draw_masks
from training.analysis.figures.prediction_maps import draw_prediction_maps
from training.analysis.flat_rows import mask_rows
from training.analysis.masks import masked_patches
from training.analysis.prediction_maps import MapSet, accuracies, pretraining_maps, transfer_maps
from training.analysis.runs import load_network
from training.analysis.subject import Subject
from training.analysis.unet_parts import modalities_of
from training.transfer.tile_store import open_tile_store


def mask_exhibits(subject: Subject) -> Iterator[Exhibit | Missing]:
    """Confidence and selection masks of a few held-out patches, a figure for each run (Fig. 11)."""
    for run, data in zip(subject.runs.pretraining, subject.data, strict=True):
        title = f"Confidence and selection masks of {run.name}"
        if data is None:
            yield Missing(title, "its store cannot be had: name it with --store")
            continue
        subject.tell(f"{run.name}: masks")
        network = load_network(run, run.last, subject.compute)
        count = subject.settings.shown_patches
        patches = masked_patches(network, data, run.settings, subject.compute, count=count)
        yield Exhibit(
            name=f"masks-{file_name(run.name)}",
            title=title,
            reads="Bright is a high weight: pixels whose label the networks support count fully (w = 1), dark ones "
            "hardly; white in masks and maps is unlabelled. Where the truth is known, the last column shows in black "
            "the labels that are wrong: there w should be dark (CromSS, Fig. 11).",
            rows=mask_rows(run.name, patches),
            draw=partial(draw_masks, patches),
        )


def map_exhibits(subject: Subject) -> Iterator[Exhibit | Missing]:
    """Maps of transfer runs, a figure for each test store, and of pretrained networks on expert-marked tiles."""
    for at, maps in enumerate(transfer_maps(subject.runs.transfer, subject.settings.shown_patches)):
        yield _maps(
            maps,
            name=f"maps-{maps.dataset}" + (f"-{at + 1}" if at else ""),
            title=f"Maps after transfer, {maps.dataset}",
            whose="the first repeat of each transfer run",
        )
    runs = subject.runs.pretraining
    if subject.dw_test is None or not runs:
        return
    subject.tell("maps of test tiles")
    seen = sorted({m for run in runs for m in modalities_of(run.settings)}, reverse=True)
    stores = {m: open_tile_store(subject.dw_test, m, "dw") for m in seen}
    yield _maps(
        pretraining_maps(runs, stores, subject.settings, subject.compute),
        name="maps-pretrained",
        title="Maps of the pretrained networks",
        whose="each pretrained network, without any training on such tiles",
    )


def file_name(name: str) -> str:
    """A run's name as part of a file's."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.") or "run"


def _maps(maps: MapSet, *, name: str, title: str, whose: str) -> Exhibit:
    return Exhibit(
        name=name,
        title=title,
        reads=f"Columns beyond the label are what {whose} makes of a tile, with the share of its labelled pixels that "
        "is right; white is unlabelled and counts for nothing.",
        rows=accuracies(maps),
        draw=partial(draw_prediction_maps, maps),
    )
