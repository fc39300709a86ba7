"""What the tables call things, and the order in which they list them: that of the CromSS paper (arXiv 2405.01217)."""

from collections.abc import Sequence
from typing import Final

PAPER: Final = "CromSS, IEEE TGRS 2025, arXiv 2405.01217"

METRICS: Final = ("OA", "AA", "mIoU", "mF1")
CLASS_METRICS: Final = {"IoU": "iou", "F1": "f1", "recall": "recall"}
"""What is told of each class: its name in a table, and in a result file."""

MODES: Final = ("frozen", "fine-tuned", "frozen-then-unfrozen")
"""What becomes of the encoder while the decoder learns; the paper has the first two."""

DATASETS: Final = {"dfc2020": "DFC2020", "dw": "SSL4EO-S12@DW", "osm": "SSL4EO-S12@OSM"}
"""Downstream sets in the paper's order, and their names there."""

TABLE_NUMBERS: Final = {"dfc2020": "II", "dw": "III", "osm": "IV"}
"""Tables of the paper with the transfer results of each set."""

FULL_SIZES: Final = {"dfc2020": (986, 5128), "dw": (3574, 340), "osm": (1372, 400)}
"""Training and test tiles of the full sets, of which the published figures are (section III and IV-A)."""

FRAMEWORKS: Final = {
    "unet": "U-Net",
    "pspnet": "PSPNet",
    "deeplabv3+": "DeepLabV3+",
    "fpn": "FPN",
    "upernet": "UPerNet",
}
PAPER_FRAMEWORKS: Final = {"dfc2020": "pspnet", "dw": "deeplabv3+", "osm": "fpn"}
"""Around a ResNet-50; around a ViT the paper has UPerNet (section IV-A)."""
VIT_FRAMEWORK: Final = "upernet"
PAPER_BACKBONE: Final = "ResNet50"

ABLATION: Final = ("random", "single-modal", "midF", "lateF", "CromSS-midF", "CromSS-lateF")
"""Rows of Table V."""
NO_SELECTION_TWINS: Final = {"CromSS-midF": "midF", "CromSS-lateF": "lateF"}
"""CromSS, and the same pretraining without its sample selection."""
BASELINE: Final = "random"

_ORDER: Final = (
    *("scaleMAE", "satMAE", "satMAE++", "DOFA", "random", "ImageNet", "Satlas", "DINO", "MoCo", "DeCUR"),
    *("single-modal", "midF", "lateF", "NoLDO", "CromSS-midF", "CromSS-lateF"),
)


def same_name(first: str, second: str) -> bool:
    """Whether two names of weights mean the same row; capitals do not count."""
    return first.strip().casefold() == second.strip().casefold()


def listed_among(name: str, names: Sequence[str]) -> bool:
    """Whether a name of weights is one of `names`."""
    return any(same_name(name, other) for other in names)


def name_rank(name: str) -> tuple[int, str]:
    """Sort key of a name of weights: the paper's order, then all others by the alphabet."""
    known = [index for index, other in enumerate(_ORDER) if same_name(name, other)]
    return (known[0] if known else len(_ORDER), name.casefold())


def mode_rank(mode: str) -> tuple[int, str]:
    """Sort key of what becomes of the encoder."""
    return (MODES.index(mode) if mode in MODES else len(MODES), mode)


def dataset_title(dataset: str) -> str:
    """A downstream set as the paper calls it."""
    return DATASETS.get(dataset, dataset)


def with_bands(name: str, s2_bands: int | None) -> str:
    """A name of weights with the number of Sentinel-2 bands, as in the paper's tables: 'random (13B)'."""
    return name if s2_bands is None else f"{name} ({s2_bands}B)"
