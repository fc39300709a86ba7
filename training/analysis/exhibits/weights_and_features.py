"""Figures of the networks themselves: how far fine-tuning moves weights, and how evenly features are spread."""

from collections.abc import Iterator
from functools import partial

from pipeline.schema.errors import UsageError
from training.analysis.encoders import other_encoder, pretrained_encoders, transferred_encoder
from training.analysis.exhibit import Exhibit, Missing
from training.analysis.feature_images import EncoderVariance, ImageEncoder, encoder_variance, points
from training.analysis.figures.feature_variance import draw_feature_variance
from training.analysis.figures.weight_change import draw_weight_change
from training.analysis.subject import Subject
from training.analysis.transfer_networks import network_before, reopen
from training.analysis.weight_change import RunChange, weight_changes
from training.checkpoint import PREFIX
from training.weight_files import read_weights


def weight_change_exhibit(subject: Subject) -> Iterator[Exhibit | Missing]:
    """KL divergence of weights before and after fine-tuning (Fig. 12)."""
    title = "How far training on the downstream set moved the weights"
    rows: list[RunChange] = []
    for run in subject.runs.transfer:
        subject.tell(f"{run.name}: weights before and after")
        try:
            setup = reopen(run, subject.compute)
        except UsageError as error:
            yield Missing(f"{title}: {run.name}", str(error))
            continue
        for seed in run.seeds:
            before = network_before(setup, seed).state_dict()
            after = {n.removeprefix(PREFIX): w for n, w in read_weights(run.layout.seed(seed).weights).items()}
            on_cpu = {name: tensor.cpu() for name, tensor in before.items()}
            rows += [RunChange(**vars(c), run=run.name, seed=seed) for c in weight_changes(on_cpu, after)]
    if not rows:
        return
    yield Exhibit(
        name="weight-kl",
        title=title,
        reads="Symmetric KL divergence (the mean of both directions) between the 100-bin histograms of a group's "
        "weights as a repeat began and as it ended: 0 where nothing moved, as in a frozen encoder. Bars are means over "
        "the repeats, lines their range; a decoder that was not loaded began at random. The scale is linear up to "
        "0.0001 and logarithmic beyond (CromSS, Fig. 12).",
        rows=rows,
        draw=partial(draw_weight_change, rows),
    )


def feature_variance_exhibit(subject: Subject) -> Iterator[Exhibit | Missing]:
    """Accumulated PCA variance of each encoder stage (Fig. 13)."""
    title = "How evenly each encoder stage spreads its features"
    data = next((data for data in subject.data if data is not None), None)
    if data is None:
        yield Missing(title, "it takes images of a pretraining store: name a pretraining run whose store can be had")
        return
    found: list[EncoderVariance] = []
    for encoder in _encoders(subject):
        if isinstance(encoder, Missing):
            yield encoder
            continue
        subject.tell(f"{encoder.name}: features")
        found.append(encoder_variance(encoder, data, subject.compute, patches=subject.settings.most_patches))
    if not found:
        return
    images = next(stage.samples for stage in found[0].stages if stage.level == "image")
    yield Exhibit(
        name="feature-variance",
        title=title,
        reads="On the dashed curve all features of a stage count alike; a curve far above it means that a few of them "
        f"hold all the variance and the rest is redundant. Of {images} patches: per image (features averaged over it; "
        "a curve is cut short where a stage has more channels than there are images) and per pixel. Compare the stages "
        "of one encoder rather than encoders. The patches are of a pretraining store, training locations included; "
        "CromSS (Fig. 13, both axes linear) takes EuroSAT per image and SSL4EO-S12@DW per pixel.",
        rows=points(found),
        draw=partial(draw_feature_variance, found),
    )


def _encoders(subject: Subject) -> Iterator[ImageEncoder | Missing]:
    for run in subject.runs.pretraining:
        yield from pretrained_encoders(run, subject.compute)
    for transfer_run in subject.runs.transfer:
        try:
            yield transferred_encoder(transfer_run, subject.compute)
        except UsageError as error:
            yield Missing(f"Features of {transfer_run.name}", str(error))
    for other in subject.encoders:
        try:
            yield from other_encoder(other, subject.compute)
        except UsageError as error:
            yield Missing(f"Features of {other.source}", str(error))
