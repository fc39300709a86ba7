"""The network of a transfer run: an encoder with the decoder and head of a framework around it.

Dimensions: B batch, C class or band, H row, W column.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, cast

import segmentation_models_pytorch as smp
from segmentation_models_pytorch.base import SegmentationHead
from segmentation_models_pytorch.decoders.upernet.decoder import UPerNetDecoder
from torch import Tensor, nn

from pipeline.schema.errors import UsageError
from training.encoder import require_encoder
from training.encoders.spec import EncoderSpec, InputSpec
from training.settings import ENCODER_STAGES
from training.transfer.padding import padded_logits
from training.transfer.settings import Framework, TransferSettings
from training.unet import DECODER_CHANNELS

PSPNET_STAGES: Final = 3
"""Stages of the encoder that smp's PSPNet uses by default: its pyramid stands on features of 1/8 of the image."""

DEFAULT_ENCODER: Final = "resnet50"
"""The encoder of the paper, where neither settings nor weights name one."""

_FRAMEWORKS: Final[Mapping[Framework, Callable[..., nn.Module]]] = {
    "unet": smp.Unet,
    "pspnet": smp.PSPNet,
    "deeplabv3+": smp.DeepLabV3Plus,
    "fpn": smp.FPN,
    "upernet": smp.UPerNet,
}

UNET_BLOCKS: Final = "blocks."
"""What the weights of a U-Net's decoder blocks begin with, the number from the deepest on behind it."""

_VIT: Final = "vit_"

_UPERNET_CHANNELS: Final = 256
"""As in smp.UPerNet."""


class _Framework(Protocol):
    """What every model of segmentation-models-pytorch has."""

    encoder: nn.Module
    decoder: nn.Module
    segmentation_head: nn.Module


class TransferNetwork(nn.Module):
    """Encoder, decoder and head under the names that segmentation-models-pytorch gives them; any image side."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module, head: nn.Module, *, stride_px: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.segmentation_head = head
        self._stride_px = stride_px

    def forward(self, image_BCHW: Tensor) -> Tensor:
        """Return the logits (B, classes, H, W) of float images, mirrored at the border where their size asks for it."""
        return padded_logits(self._logits, image_BCHW, self._stride_px)

    def _logits(self, image_BCHW: Tensor) -> Tensor:
        logits_BCHW: Tensor = self.segmentation_head(self.decoder(self.encoder(image_BCHW)))
        return logits_BCHW


def architecture(settings: TransferSettings, spec: EncoderSpec) -> str:
    """Return the encoder's name; UsageError where the source is another one than the settings ask for."""
    if spec.architecture is None:
        return settings.encoder or DEFAULT_ENCODER
    if settings.encoder not in (None, spec.architecture):
        raise UsageError(
            f"encoder is {settings.encoder!r}, but the weights of {spec.name} are of {spec.architecture!r}; "
            "leave encoder out, or give another source"
        )
    return spec.architecture


def build_transfer_network(
    settings: TransferSettings, spec: EncoderSpec, image: InputSpec, classes: int
) -> TransferNetwork:
    """Return the network with initial weights of torch's default generator; nothing is downloaded.

    UsageError for an unknown encoder, or one that the framework does not take.
    """
    encoder = architecture(settings, spec)
    depth = settings.encoder_depth or (PSPNET_STAGES if settings.framework == "pspnet" else ENCODER_STAGES)
    if encoder.startswith(_VIT):
        return _vit_network(settings.framework, spec, image, classes, encoder=encoder, depth=depth)
    require_encoder(encoder)
    options: dict[str, Any] = {}
    if settings.framework == "unet":
        options["decoder_channels"] = _decoder_channels(settings, depth)
    if settings.framework == "pspnet":
        options["upsampling"] = 2**depth
    try:
        model = _FRAMEWORKS[settings.framework](
            encoder_name=encoder,
            encoder_depth=depth,
            encoder_weights=None,
            in_channels=len(image.bands),
            classes=classes,
            **options,
        )
    except (ValueError, KeyError, RuntimeError, TypeError, NotImplementedError) as error:
        raise UsageError(
            f"framework {settings.framework} does not take encoder {encoder!r} with {depth} stages "
            f"({str(error).splitlines()[0]}); give another encoder or framework"
        ) from error
    parts = cast(_Framework, model)
    stride = cast(int, parts.encoder.output_stride)
    return TransferNetwork(parts.encoder, parts.decoder, parts.segmentation_head, stride_px=stride)


def _decoder_channels(settings: TransferSettings, depth: int) -> tuple[int, ...]:
    channels = settings.decoder_channels or DECODER_CHANNELS[:depth]
    if len(channels) != depth:
        raise UsageError(
            f"decoder_channels has {len(channels)} numbers, but the encoder has {depth} stages; "
            f"give {depth} of them, or encoder_depth {len(channels)}"
        )
    return channels


def _vit_network(
    framework: Framework, spec: EncoderSpec, image: InputSpec, classes: int, *, encoder: str, depth: int
) -> TransferNetwork:
    if framework != "upernet":
        raise UsageError(f"framework is {framework}, but {spec.name} is a vision transformer; set framework to upernet")
    module = spec.build(image, encoder=encoder, depth=depth)
    decoder = UPerNetDecoder(
        encoder_channels=module.out_channels, encoder_depth=depth, decoder_channels=_UPERNET_CHANNELS
    )
    head = SegmentationHead(_UPERNET_CHANNELS, classes, kernel_size=1, upsampling=4)
    smp.base.initialization.initialize_decoder(decoder)
    smp.base.initialization.initialize_head(head)
    return TransferNetwork(module, decoder, head, stride_px=cast(int, module.output_stride))
