"""What the making of pseudo-labels can be told. The defaults are those of arXiv 2504.13458 where it has them.

The network, its optimizer and its augmentation are those of the CromSS paper (arXiv 2405.01217, section IV).
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipeline.schema.strict import Strict
from training.settings import STRIDE_PX, Count, Positive, PretrainSettings, Probability

Factor = Annotated[float, Field(gt=0.0, le=8.0)]


class TeacherSettings(Strict):
    """How the optical teacher is trained."""

    encoder: str = "resnet50"
    """Encoder by its name in segmentation-models-pytorch."""
    decoder_channels: Annotated[tuple[Count, ...], Field(min_length=3, max_length=5)] = (256, 128, 64, 32, 16)
    """Channels of the decoder's blocks, the deepest first."""
    s2_bands: Literal[13, 9] = 13
    """All bands of Sentinel-2 L1C, or the nine of 10 and 20 m without B8A."""
    label_source: str = "dw"
    """Labels to learn, as in pretraining."""
    labelled_share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Share of the training locations whose labels are learnt; the others count as unlabelled. At 1 every location is
    both: its labels are learnt, and it stands in, labels forgotten, as the unlabelled image that others are mixed into.
    """
    crop_px: Annotated[int, Field(ge=STRIDE_PX, multiple_of=STRIDE_PX)] = 256
    """Side of the training crop, pixels; a multiple of 32, at most the store's patch."""
    epochs: Count = 50
    """Passes over the labelled locations; each takes one random season of every location."""
    batch_size: Annotated[int, Field(ge=2)] = 32
    """Labelled images a step, and as many unlabelled ones."""
    learning_rate: Positive = 1e-3
    """Adam's learning rate; it falls to 0 along a cosine over all steps."""
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-8
    """Adam's L2 penalty."""
    ema_decay: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.999
    """Largest share that the teacher keeps of itself at a step; at step i, from 0, it is at most 1 - 1 / (i + 1)."""
    confidence: Probability = 0.968
    """A pixel whose largest probability is at least this counts as confident."""
    mixed_weight: Annotated[float, Field(ge=0.0)] = 1.0
    """Factor of the loss on mixed images; 0 leaves the unlabelled images out."""
    alignment_p: Probability = 0.2
    """Share of the labelled images that resolution alignment makes coarse."""
    alignment_down: tuple[Factor, Factor] = (0.1, 0.35)
    """Range of the factor by which such an image is made smaller."""
    alignment_up: tuple[Factor, Factor] = (1.0, 3.0)
    """Range of its size after it was made larger again, over its first size."""
    flip_p: Probability = 0.5
    """Share of the samples that are flipped: left-right, upside down or both, each as likely."""
    rotation_p: Probability = 0.2
    """Share of the samples that are rotated."""
    rotation_max_deg: Annotated[float, Field(ge=0.0, le=180.0)] = 90.0
    """Rotations are uniform between minus and plus this angle, degrees."""
    val_fraction: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.01
    """Share of the locations held out, as a pretraining of the same fraction and seed holds them out."""
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    """Decides the split, the labelled share, order, seasons, augmentation, mixing and the initial weights."""
    precision: Literal["auto", "float32", "bf16"] = "auto"
    """auto: bf16 autocast on a GPU that has it, float32 elsewhere."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: the first GPU, or the CPU where there is none."""
    threads: Count | None = None
    """CPU threads of the arithmetic; by default torch decides. Bits may differ between thread counts."""

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        for name in ("alignment_down", "alignment_up"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name} is {low} to {high}: give the smaller one first")
        if self.alignment_up[0] < 1.0:
            raise ValueError(
                f"alignment_up begins at {self.alignment_up[0]}: give at least 1, or there is no crop left"
            )
        return self

    def as_pretraining(self) -> PretrainSettings:
        """A pretraining of one modality that has the same network, split and device."""
        shared = set(PretrainSettings.model_fields) & set(TeacherSettings.model_fields)
        return PretrainSettings.model_validate(
            {**self.model_dump(include=shared), "modalities": "s2", "compile": "off"}
        )


class WritingSettings(Strict):
    """How trained teachers label the store."""

    flips: bool = True
    """Whether each image is seen also left-right, upside down, and both."""
    scales: Annotated[tuple[Factor, ...], Field(min_length=1, max_length=8)] = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
    """Factors by which each image is resized before it is seen; the probabilities of all views are averaged."""
    ensemble: Literal["mean", "agreement"] = "mean"
    """Of several teachers: the likeliest class of their mean probabilities, or the class on which all agree and no
    label where they do not."""
    min_confidence: Probability = 0.0
    """A pixel of less confidence than this gets no label."""
    joined: tuple[Literal["agreement", "union"], ...] = ()
    """Label sources to write beside, joined with dw. agreement: the class that both give, no label where they differ or
    one is silent. union: dw, and the pseudo-label where dw is silent."""
    batch_size: Count = 16
    """Images at a time."""


class PseudoLabelSettings(Strict):
    """The making of pseudo-labels: a teacher, and what is written."""

    teacher: TeacherSettings = TeacherSettings()
    """The optical teacher. Of it, where trained teachers are given: device, precision and threads, and seed and
    val_fraction, which say what counts as held out in the scores if these teachers held out the same."""
    write: WritingSettings = WritingSettings()
    """Test-time augmentation, ensemble, and what is kept."""
