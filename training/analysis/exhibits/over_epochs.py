"""Figures over the epochs of pretraining: scores on expert-marked tiles, and batch norm's statistics."""

from collections.abc import Iterator
from functools import partial

from training.analysis.batch_norm import divergences_over_epochs
from training.analysis.checkpoint_scores import checkpoint_scores
from training.analysis.exhibit import Exhibit, Missing
from training.analysis.figures.batch_norm import draw_batch_norm
from training.analysis.figures.epoch_curves import draw_checkpoint_scores
from training.analysis.subject import Subject
from training.analysis.unet_parts import modalities_of
from training.transfer.tile_store import open_tile_store

KEEP = "run noldo pretrain with keep_every set"


def scores_exhibit(subject: Subject) -> Iterator[Exhibit | Missing]:
    """Overall accuracy and mean IoU of each checkpoint on expert-marked tiles (Fig. 8a, b)."""
    title = "Scores of each checkpoint on expert-marked tiles"
    runs = subject.runs.pretraining
    if not runs:
        return
    if subject.dw_test is None:
        yield Missing(title, "no test tiles were given: name their store with --dw-test")
        return
    seen = sorted({m for run in runs for m in modalities_of(run.settings)})
    stores = {m: open_tile_store(subject.dw_test, m, "dw") for m in seen}
    rows = []
    for run in runs:
        for checkpoint in run.checkpoints:
            subject.tell(f"{run.name}: test tiles, epoch {checkpoint.epoch}")
            rows += list(checkpoint_scores(run, checkpoint, stores, settings=subject.settings, compute=subject.compute))
    tiles = next(iter(stores.values())).tiles
    yield Exhibit(
        name="checkpoint-scores",
        title=title,
        reads=f"Each point is one network, scored over all {tiles} tiles at once without any training on them; higher "
        "is better, and lines that part show which pretraining withstands the label noise (CromSS, Fig. 8a and b).",
        rows=rows,
        draw=partial(draw_checkpoint_scores, rows),
    )


def batch_norm_exhibit(subject: Subject) -> Iterator[Exhibit | Missing]:
    """Divergence of batch norm's statistics between runs, over epochs (Fig. 8c, d)."""
    title = "How far apart the networks' feature statistics are"
    runs = subject.runs.pretraining
    if not runs:
        return
    alone = len(runs) == 1
    if alone and len(runs[0].checkpoints) == 1:
        yield Missing(title, f"one network of one run has nothing to be compared with: name more runs, or {KEEP}")
        return
    subject.tell("batch norm's statistics")
    rows = divergences_over_epochs(runs)
    if not rows:
        yield Missing(title, "no two runs have a network of the same epoch, modality and layers")
        return
    to = "its own last epoch" if alone else "another run at the same epoch"
    yield Exhibit(
        name="batch-norm-kl",
        title=title,
        reads=f"Each line compares a run with {to}: the symmetric KL divergence (the mean of both directions) of the "
        "Gaussians that batch norm stores, averaged over channels and then over layers; 0 means equal statistics, and "
        "lines that fall mean that the networks grow alike (CromSS, Fig. 8c and d).",
        rows=rows,
        draw=partial(draw_batch_norm, rows),
    )
