"""The network of a transfer run: an encoder with the decoder and head of a framework around it.

Dimensions: B batch, C class or band, H row, W column.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, cast

import segmentation_models_pytorch as smp
from segmentation_models_pytorch.base import SegmentationHead
from segmentation_models_pytorch.base.initialization import initialize_decoder, initialize_head
from segmentation_models_pytorch.decoders.upernet.decoder import UPerNetDecoder
from torch import Tensor, nn

from pipeline.schema.errors import UsageError
from training.encoder import require_encoder
from training.encoders.spec import EncoderSpec, InputSpec
from training.transfer.form import Form
from training.transfer.padding import padded_logits
from training.transfer.settings import Framework

FPN_LEVELS: Final = 3
"""How often smp's FPN doubles the deepest features before its head."""

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

_UPERNET_UPSAMPLING: Final = 4
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


def build_transfer_network(form: Form, spec: EncoderSpec, image: InputSpec, classes: int) -> TransferNetwork:
    """Return the network with initial weights of torch's default generator; nothing is downloaded.

    UsageError for an unknown encoder, or one that the framework does not take.
    """
    if form.encoder.startswith(_VIT):
        return _vit_network(form, spec, image, classes)
    require_encoder(form.encoder)
    options: dict[str, Any] = {}
    if form.decoder_channels is not None:
        options["decoder_channels"] = form.decoder_channels
    if form.framework == "pspnet":
        options["upsampling"] = 2**form.depth
    if form.framework == "fpn":
        options["upsampling"] = 2 ** (form.depth - FPN_LEVELS)
    try:
        model = _FRAMEWORKS[form.framework](
            encoder_name=form.encoder,
            encoder_depth=form.depth,
            encoder_weights=None,
            in_channels=len(image.bands),
            classes=classes,
            **options,
        )
    except (ValueError, KeyError, RuntimeError, TypeError, NotImplementedError) as error:
        raise UsageError(
            f"framework {form.framework} does not take encoder {form.encoder!r} with {form.depth} stages "
            f"({str(error).splitlines()[0]}); give another encoder or framework"
        ) from error
    parts = cast(_Framework, model)
    stride = cast(int, parts.encoder.output_stride)
    return TransferNetwork(parts.encoder, parts.decoder, parts.segmentation_head, stride_px=stride)


def _vit_network(form: Form, spec: EncoderSpec, image: InputSpec, classes: int) -> TransferNetwork:
    """An encoder of ours under smp's UPerNet decoder, put together as smp.UPerNet does it."""
    if form.framework != "upernet":
        raise UsageError(
            f"framework is {form.framework}, but {spec.name} is a vision transformer; set framework to upernet"
        )
    encoder = spec.build(image, encoder=form.encoder, depth=form.depth)
    decoder = UPerNetDecoder(
        encoder_channels=encoder.out_channels, encoder_depth=form.depth, decoder_channels=_UPERNET_CHANNELS
    )
    head = SegmentationHead(_UPERNET_CHANNELS, classes, kernel_size=1, upsampling=_UPERNET_UPSAMPLING)
    initialize_decoder(decoder)
    initialize_head(head)
    return TransferNetwork(encoder, decoder, head, stride_px=cast(int, encoder.output_stride))
