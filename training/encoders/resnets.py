"""ResNet-50 encoders that others have published; all are torchvision's, under its names.

MoCo and DINO: github.com/zhu-xlab/SSL4EO-S12. MoCo keeps the encoder under state_dict, behind module.encoder_q.
(src/benchmark/transfer_classification/linear_BE_moco.py), DINO under teacher, behind module.backbone.
(src/benchmark/pretrain_ssl/pretrain_dino_s2c.py); the files called 'backbone' and torchgeo's have bare names. They saw
Sentinel-2 as reflectance 0..1, digital number / 10,000 (pretrain_ssl/datasets/SSL4EO/ssl4eo_dataset.py without
--normalize, as scripts/pretrain/srun_train_moco_rn50_s2c.sh calls it), and Sentinel-1 as mean +- 2 std (same file).
DeCUR: github.com/zhu-xlab/DeCUR. Both encoders under model, module.backbone_1. of Sentinel-1 and module.backbone_2. of
Sentinel-2 (src/pretrain/utils/convert_backbone.py); both modalities as mean +- 2 std
(src/pretrain/datasets/SSL4EO/ssl4eo_dataset_lmdb_mm_norm.py).
Satlas: github.com/allenai/satlaspretrain_models, Sentinel2_Resnet50_SI_MS: names behind backbone.resnet.
(satlaspretrain_models/model.py and models/backbones.py), its feature pyramid behind intermediates.0. is not used.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from torch import nn

from pipeline.schema.bands import S2_BANDS
from pipeline.schema.errors import UsageError
from training.checkpoint import KeyReport
from training.encoders.eight_bit import SATLAS_BANDS, eight_bit_input
from training.encoders.one_input import fixed_inputs
from training.encoders.published import CHECKPOINT_KEYS, copy_weights, load_published
from training.encoders.random_weights import build_resnet
from training.encoders.spec import EncoderSpec, InputSpec
from training.encoders.ssl4eo_scaling import ssl4eo_input
from training.modality import Modality
from training.weight_files import read_weights

REFLECTANCE: Final = InputSpec(
    modality="s2",
    bands=S2_BANDS,
    low=(0.0,) * len(S2_BANDS),
    high=(10_000.0,) * len(S2_BANDS),
    clip=True,
    mean=(0.0,) * len(S2_BANDS),
    std=(1.0,) * len(S2_BANDS),
)
"""Sentinel-2 as reflectance in 0..1."""

BACKBONES: Final[Mapping[Modality, str]] = {"s1": "backbone_1.", "s2": "backbone_2."}
"""DeCUR's names of the two encoders."""

ATTENTION: Final = ("da1_l3", "da1_l4", "da2_l3", "da2_l4")
"""Parts of DeCUR's variant with deformable attention (RDA), which a ResNet-50 does not have."""


def _resnet50(name: str, images: Mapping[Modality, InputSpec], prefixes: Sequence[str], source: str) -> EncoderSpec:
    def load(encoder: nn.Module, path: Path, _modality: Modality) -> KeyReport:
        return load_published(encoder, path, prefixes=prefixes)

    return EncoderSpec(
        name=name,
        architecture="resnet50",
        backbone="ResNet50",
        pretrained=True,
        source=source,
        input_of=fixed_inputs(name, images),
        build_with=build_resnet,
        load=load,
    )


def _load_decur(encoder: nn.Module, path: Path, modality: Modality) -> KeyReport:
    found = read_weights(path, CHECKPOINT_KEYS)
    if any(part in name for name in found for part in ATTENTION):
        raise UsageError(
            f"{path}: has deformable attention (RDA), which ResNet-50 has not and would compute otherwise without;"
            " give DeCUR's weights without RDA, such as rn50_ssl4eo-s12_joint_decur_ep100.pth"
        )
    backbone = BACKBONES[modality]
    return copy_weights(encoder, found, path, prefixes=("module." + backbone, backbone, "backbone.", ""))


MOCO = _resnet50(
    "MoCo",
    {"s1": ssl4eo_input("s1"), "s2": REFLECTANCE},
    ("module.encoder_q.", "encoder_q.", "module.", ""),
    "github.com/zhu-xlab/SSL4EO-S12, MoCo-v2 ResNet-50, of 13 bands (L1C) or of Sentinel-1 (arXiv 2211.07044)",
)

DINO = _resnet50(
    "DINO",
    {"s2": REFLECTANCE},
    ("module.backbone.", "backbone.", "module.", ""),
    "github.com/zhu-xlab/SSL4EO-S12, DINO ResNet-50, 13 bands (L1C; arXiv 2211.07044)",
)

DECUR = EncoderSpec(
    name="DeCUR",
    architecture="resnet50",
    backbone="ResNet50",
    pretrained=True,
    source="github.com/zhu-xlab/DeCUR, ResNet-50 of SSL4EO-S12 without deformable attention (arXiv 2309.05300)",
    input_of=fixed_inputs("DeCUR", {"s1": ssl4eo_input("s1"), "s2": ssl4eo_input("s2")}),
    build_with=build_resnet,
    load=_load_decur,
)

SATLAS = _resnet50(
    "Satlas",
    {"s2": eight_bit_input(SATLAS_BANDS)},
    ("backbone.resnet.", "resnet.", ""),
    "github.com/allenai/satlaspretrain_models, Sentinel2_Resnet50_SI_MS (arXiv 2211.15660)",
)
