"""What a transfer run can be told. The defaults are those of the CromSS paper (arXiv 2405.01217, section IV)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.schema.strict import Strict
from training.settings import Count, Positive, Probability

Framework = Literal["unet", "pspnet", "deeplabv3+", "fpn", "upernet"]

Load = Literal["encoder", "encoder+1", "encoder+2", "encoder+3", "encoder+4", "all-but-head", "all"]

Mode = Literal["frozen", "fine-tuned", "frozen-then-unfrozen"]


class TtaSettings(Strict):
    """Test-time augmentation: the mean of the class probabilities over flips and scales."""

    flips: bool = False
    """Whether each window is seen also left-right, upside down, and both."""
    scales: Annotated[tuple[Positive, ...], Field(min_length=1, max_length=8)] = (1.0,)
    """Factors by which each window is resized before it is seen."""


class TransferSettings(Strict):
    """One transfer run: an encoder, a framework around it, and how it learns a downstream set."""

    modality: Literal["s1", "s2"] = "s2"
    """The images that the network sees."""
    label: Literal["dw", "osm", "dfc"] | None = None
    """The labels that it learns; None: those that the store is about."""
    s2_bands: Literal[13, 9] | None = None
    """Bands of Sentinel-2 for encoders that take either; None: as many as the encoder's weights take."""
    framework: Framework = "unet"
    """Decoder and head around the encoder, of segmentation-models-pytorch."""
    encoder: str | None = None
    """Encoder by its name in segmentation-models-pytorch; None: the source's own, ResNet-50 for most."""
    encoder_depth: Annotated[int, Field(ge=3, le=5)] | None = None
    """Stages of the encoder that are used; None: the library's own number, 3 for pspnet and 5 for the others."""
    decoder_channels: Annotated[tuple[Count, ...], Field(min_length=3, max_length=5)] | None = None
    """Channels of a U-Net's decoder blocks, the deepest first; None: 256, 128, 64, 32, 16 of as many as needed."""
    source: str = "noldo"
    """Whose weights: noldo (a run of this project), random, or the name of an encoder of training.encoders."""
    load: Load = "encoder"
    """What of the weights is taken: the encoder, it and the 1 to 4 deepest decoder blocks, all but the head, all."""
    mode: Mode = "fine-tuned"
    """frozen: what the encoder was loaded with stays; frozen-then-unfrozen: until unfreeze_epoch."""
    unfreeze_epoch: Count | None = None
    """Epochs that the encoder stays frozen, of frozen-then-unfrozen only."""
    layer_decay: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Factor of the learning rate from block to block, from the head (1) down to the encoder's stem."""
    epochs: Count = 50
    """Passes over the training tiles."""
    batch_size: Annotated[int, Field(ge=2)] = 32
    """Tiles a step, at least 2: batch norm over pooled features cannot train on one."""
    learning_rate: Positive = 5e-4
    """Adam's initial learning rate."""
    final_learning_rate: Positive = 1e-5
    """What it falls to along a cosine."""
    cosine_epochs: Count = 40
    """Epochs of the cosine; after them the learning rate stays."""
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-8
    """Adam's L2 penalty."""
    crop_px: Count | None = None
    """Side of the random training crop, pixels; None: the whole tile."""
    flip_p: Probability = 0.5
    """Share of the samples that are flipped: left-right, upside down or both, each as likely."""
    rotation_p: Probability = 0.2
    """Share of the samples that are rotated."""
    rotation_max_deg: Annotated[float, Field(ge=0.0, le=180.0)] = 90.0
    """Rotations are uniform between minus and plus this angle, degrees."""
    train_share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Share of the training tiles; a larger share of the same first_seed holds the smaller one."""
    seeds: Count = 3
    """Repeats; mean and standard deviation run over them."""
    first_seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Seed of the first repeat, the others follow; it also decides which tiles a share holds."""
    window_px: Count | None = None
    """Side of the windows in which test tiles are seen, pixels; None: the whole tile at once."""
    overlap: Annotated[float, Field(ge=0.0, le=0.9)] = 0.5
    """Share of a window's side that it has in common with the next one; class probabilities are averaged."""
    tta: TtaSettings = TtaSettings()
    """Test-time augmentation."""
    shown_tiles: Annotated[int, Field(ge=0)] = 6
    """Test tiles whose images, labels and predictions are kept for figures."""
    precision: Literal["auto", "float32", "bf16"] = "auto"
    """auto: bf16 autocast on a GPU that has it, float32 elsewhere."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: the first GPU, or the CPU where there is none."""
    threads: Count | None = None
    """CPU threads of the arithmetic; by default torch decides. Bits may differ between thread counts."""

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if self.load != "encoder" and self.framework != "unet":
            raise ValueError(
                f"load is '{self.load}', but the weights' decoder is a U-Net's; "
                f"set framework to unet instead of {self.framework}, or load to encoder"
            )
        if self.load != "encoder" and self.source == "random":
            raise ValueError(f"load is '{self.load}', but source is random, which has no weights; set load to encoder")
        if self.decoder_channels is not None and self.framework != "unet":
            raise ValueError(
                f"decoder_channels are those of a U-Net, but framework is {self.framework}; leave them out"
            )
        if (self.mode == "frozen-then-unfrozen") != (self.unfreeze_epoch is not None):
            raise ValueError("give unfreeze_epoch with mode frozen-then-unfrozen, and only with it")
        if self.unfreeze_epoch is not None and self.unfreeze_epoch >= self.epochs:
            raise ValueError(f"unfreeze_epoch is {self.unfreeze_epoch}, but there are {self.epochs} epochs")
        if self.first_seed + self.seeds > 2**31:
            raise ValueError("first_seed and seeds are more than 2**31 together")
        return self
