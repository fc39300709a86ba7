"""The encoders whose features are looked at: those of runs, and other people's.

Dimensions: B batch, C band, H row, W column.
"""

from collections.abc import Iterator
from functools import partial

from torch import nn

from pipeline.schema.errors import UsageError
from training.analysis.feature_images import ImageEncoder, bands_of
from training.analysis.runs import PretrainRun, TransferRun, load_network
from training.analysis.subject import OtherEncoder
from training.analysis.tile_view import network_image
from training.analysis.transfer_networks import network_after, reopen
from training.analysis.unet_parts import modalities_of
from training.compute import Compute
from training.dual_unet import LateFusionUNet, MidFusionUNet
from training.encoders.catalogue import encoder_spec
from training.modality import MODALITIES, Modality
from training.segmenter import Segmenter


def pretrained_encoders(run: PretrainRun, compute: Compute) -> Iterator[ImageEncoder]:
    """The encoders of a run's newest network, Sentinel-2's first."""
    network = load_network(run, run.last, compute)
    for modality in reversed(modalities_of(run.settings)):
        prepare = partial(network_image, run=run, modality=modality)
        yield ImageEncoder(run.name, modality, _encoder_of(network, modality), prepare)


def transferred_encoder(run: TransferRun, compute: Compute) -> ImageEncoder:
    """The encoder of a transfer run's first repeat, as it ended; UsageError where the run cannot be set up again."""
    setup = reopen(run, compute)
    network = network_after(setup, run, run.seeds[0])
    prepare = partial(setup.image.prepare, stored=bands_of(run.modality))
    return ImageEncoder(run.name, run.modality, network.get_submodule("encoder"), prepare)


def check_encoder(other: OtherEncoder) -> None:
    """Raise UsageError for an encoder that training.encoders does not know, or that has not the file that it needs."""
    spec = encoder_spec(other.source)
    if spec.pretrained and other.weights is None:
        raise UsageError(f"encoder {spec.name} needs a file of its weights: give it as {other.source}=FILE")
    if other.weights is not None and not other.weights.is_file():
        raise UsageError(f"encoder {spec.name}: {other.weights}: no such file; give the path of its weights")


def other_encoder(other: OtherEncoder, compute: Compute) -> Iterator[ImageEncoder]:
    """An encoder of training.encoders in each modality that it takes; UsageError where its file does not fit it."""
    spec = encoder_spec(other.source)
    refused: list[UsageError] = []
    for modality in reversed(MODALITIES):
        try:
            image = spec.input_for(modality, weights=other.weights)
        except UsageError as error:  # most take one modality only
            refused.append(error)
            continue
        module = spec.build(image)
        if other.weights is not None:
            spec.load(module, other.weights, modality)
        compute.settle(module)
        yield ImageEncoder(spec.name, modality, module.eval(), partial(image.prepare, stored=bands_of(modality)))
    if len(refused) == len(MODALITIES):
        raise refused[0]


def _encoder_of(network: Segmenter, modality: Modality) -> nn.Module:
    if isinstance(network, MidFusionUNet):
        return network.encoder1 if modality == "s1" else network.encoder
    if isinstance(network, LateFusionUNet):
        return (network.model1 if modality == "s1" else network.model2).get_submodule("encoder")
    return network.get_submodule("encoder")
