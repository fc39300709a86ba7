"""What a pretraining run can be told. The defaults are those of the CromSS paper (arXiv 2405.01217, section IV)."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.schema.strict import Strict

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Count = Annotated[int, Field(ge=1)]

STRIDE_PX = 32
"""An encoder of five stages halves its input five times, so an input's sides are multiples of this."""

ENCODER_STAGES = 5
"""A decoder of fewer blocks uses as many stages of the encoder."""


class ObjectiveSettings(Strict):
    """The loss and the sample selection; field by field what training.objective.Objective takes."""

    prior_factor: Probability = 0.15
    """Weight of the spatial-temporal prior in the smoothed target (eq. 13)."""
    uniform_factor: Probability = 0.05
    """Weight of the uniform distribution in the smoothed target (eq. 13)."""
    consistency: Literal["ce", "kl", "mse"] = "ce"
    """Distance between the modalities' predictions (eq. 5); ce has the gradient of the paper's kl."""
    confidence: Literal["entropy", "gini"] = "entropy"
    """Confidence that weighs the consistency loss (eq. 9)."""
    final_ratio: Annotated[float, Field(gt=0.0, le=1.0)] = 0.5
    """Share of each class's pixels that keep full weight once the ramp has ended (eq. 11)."""
    ramp_epochs: Count = 80
    """Epochs over which the selection tightens."""
    ramp: Literal["exp", "linear", "none"] = "exp"
    """Shape of the ramp; none applies the final ratio from the first epoch."""
    consistency_weight: Annotated[float, Field(ge=0.0)] = 1.0
    """Factor of the consistency loss (eq. 1)."""
    select: bool = True
    """Whether pixels are selected at all; without it every weight is 1 (the paper's midF and lateF).

    With one modality there is nothing to select by, and every weight is 1."""
    segmentation: Literal["ce_dice", "ce", "sce", "gce"] = "ce_dice"
    """Segmentation loss: cross-entropy + Dice (eq. 2), cross-entropy, or the robust SCE (arXiv 1908.06112), GCE
    (1805.07836)."""
    lovasz_weight: Annotated[float, Field(ge=0.0)] = 0.0
    """Factor of the Lovasz-Softmax loss (arXiv 1705.08790) that is added to it."""
    sce_alpha: Annotated[float, Field(ge=0.0)] = 1.0
    """Factor of the cross-entropy in SCE (arXiv 2504.13458)."""
    sce_beta: Annotated[float, Field(ge=0.0)] = 2.0
    """Factor of the reverse cross-entropy in SCE (arXiv 2504.13458)."""
    gce_q: Annotated[float, Field(gt=0.0, le=1.0)] = 0.7
    """Exponent of GCE; 0.7 is its paper's."""
    labels: Literal["hard", "soft"] = "hard"
    """Learn the likeliest class, or the probabilities of all classes, of a store that was built with them."""
    weigh_by_confidence: bool = False
    """Weigh each pixel of the segmentation loss by the confidence that its label came with (pseudo-labels have one)."""

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.prior_factor + self.uniform_factor > 1.0:
            raise ValueError("prior_factor and uniform_factor must be at most 1 together")
        return self


class PretrainSettings(Strict):
    """One pretraining run."""

    modalities: Literal["both", "s1", "s2"] = "both"
    """Learn from both modalities, or from Sentinel-1 or Sentinel-2 alone (single-modal)."""
    fusion: Literal["mid", "late"] = "mid"
    """mid: two encoders, one decoder and head; late: two whole U-Nets. Of both modalities only."""
    encoder: str = "resnet50"
    """Encoder of both modalities, by its name in segmentation-models-pytorch."""
    decoder_channels: Annotated[tuple[Count, ...], Field(min_length=3, max_length=5)] = (256, 128, 64, 32, 16)
    """Channels of the decoder's blocks, the deepest first; as many as the encoder is to have stages, 3 to 5."""
    s2_bands: Literal[13, 9] = 13
    """All bands of Sentinel-2 L1C, or the nine of 10 and 20 m without B8A."""
    label_source: str = "dw"
    """Labels to learn: dw, the name of labels that were added to the store, or the path of such an array elsewhere
    (uint8, (N, 4, P, P), 255 for no label; training.label_source)."""
    crop_px: Annotated[int, Field(ge=STRIDE_PX, multiple_of=STRIDE_PX)] = 256
    """Side of the training crop, pixels; a multiple of 32, at most the store's patch."""
    epochs: Count = 200
    """Passes over the training locations; each takes one random season of every location."""
    batch_size: Count = 128
    """Locations a step."""
    learning_rate: Positive = 5e-3
    """Adam's initial learning rate."""
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-8
    """Adam's L2 penalty."""
    plateau_patience: Count = 30
    """Epochs without a better validation loss before the learning rate falls."""
    plateau_factor: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5
    """What the learning rate is then multiplied by."""
    val_fraction: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.01
    """Share of the locations held out for validation, at least one location."""
    rotation_p: Probability = 0.2
    """Share of the samples that are rotated."""
    rotation_max_deg: Annotated[float, Field(ge=0.0, le=180.0)] = 90.0
    """Rotations are uniform between minus and plus this angle, degrees."""
    flip_p: Probability = 0.5
    """Share of the samples that are flipped: left-right, upside down or both, each as likely."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Decides the split, the order, the seasons, the augmentation and the initial weights."""
    precision: Literal["auto", "float32", "bf16"] = "auto"
    """auto: bf16 autocast on a GPU that has it, float32 elsewhere."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: the first GPU, or the CPU where there is none."""
    compile: Literal["auto", "on", "off"] = "auto"
    """Compile network and losses for training (torch.compile); auto: on a GPU."""
    checkpoint_minutes: Positive = 10.0
    """A checkpoint is saved when this time has gone by since the last one, and at the end of every epoch."""
    keep_every: Count | None = None
    """Keep the weights after every so many epochs, and those before the first step, for noldo analyze; None: only the
    last epoch's."""
    threads: Count | None = None
    """CPU threads of the arithmetic; by default torch decides. Bits may differ between thread counts."""
    objective: ObjectiveSettings = ObjectiveSettings()
    """The loss and the sample selection."""

    @model_validator(mode="after")
    def _probabilities_of_its_own(self) -> Self:
        if self.objective.labels == "soft" and self.label_source != "dw":
            raise ValueError("objective.labels 'soft' needs label_source 'dw': only these have class probabilities")
        return self
