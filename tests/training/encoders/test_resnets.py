import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import resnet50

from pipeline.schema.bands import S1_BANDS, S1_SCALING, S2_BANDS, S2_SCALING
from pipeline.schema.errors import UsageError
from training.checkpoint import KeyReport
from training.encoders.resnets import DECUR, DINO, MOCO, SATLAS
from training.encoders.spec import EncoderSpec
from training.modality import Modality

Make = Callable[..., dict[str, Tensor]]
Shapes = Callable[[int], dict[str, tuple[int, ...]]]


def loaded(spec: EncoderSpec, modality: Modality, content: Any, path: Path) -> tuple[nn.Module, KeyReport]:
    torch.save(content, path)
    encoder = spec.build(spec.input_for(modality))
    return encoder, spec.load(encoder, path, modality)


def moco(make: Make, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    head = {"fc.0.weight": (2048, 2048), "fc.0.bias": (2048,), "fc.2.weight": (128, 2048), "fc.2.bias": (128,)}
    query = make({**shapes, **head}, "module.encoder_q.")
    key = {name: tensor + 1 for name, tensor in make({"conv1.weight": (1,)}, "module.encoder_k.").items()}
    queue = {"module.queue": torch.zeros(128, 1).expand(128, 65536), "module.queue_ptr": torch.zeros(1).long()}
    return {"epoch": 100, "arch": "resnet50", "state_dict": {**query, **key, **queue}, "optimizer": {"state": {}}}


@pytest.mark.parametrize(("modality", "bands"), [("s1", 2), ("s2", 13)])
def test_moco_gives_the_query_encoder(
    modality: Modality, bands: int, tmp_path: Path, stand_ins: Make, resnet50_shapes: Shapes, holds_stand_ins: Any
) -> None:
    encoder, report = loaded(MOCO, modality, moco(stand_ins, resnet50_shapes(bands)), tmp_path / "moco.pth")
    assert holds_stand_ins(encoder) == []
    assert len(report.loaded) == 318
    assert report.missing == ()
    assert report.unexpected == tuple(
        sorted(
            ["module.encoder_k.conv1.weight", "module.queue", "module.queue_ptr"]
            + [f"module.encoder_q.fc.{i}.{part}" for i in (0, 2) for part in ("weight", "bias")]
        )
    )


def test_dino_gives_the_teacher(tmp_path: Path, stand_ins: Make, resnet50_shapes: Shapes, holds_stand_ins: Any) -> None:
    teacher = stand_ins(resnet50_shapes(13), "module.backbone.")
    student = {name: tensor + 1 for name, tensor in teacher.items()}
    head = {"module.head.mlp.0.weight": torch.zeros(2048, 1).expand(2048, 2048)}
    content = {"student": student, "teacher": {**teacher, **head}, "epoch": 100, "args": argparse.Namespace(lr=0.1)}
    encoder, report = loaded(DINO, "s2", content, tmp_path / "dino.pth")
    assert holds_stand_ins(encoder) == []
    assert report.missing == ()
    assert report.unexpected == ("module.head.mlp.0.weight",)


@pytest.mark.parametrize(("modality", "bands"), [("s1", 2), ("s2", 13)])
def test_decur_gives_the_modalitys_own_of_both(
    modality: Modality, bands: int, tmp_path: Path, stand_ins: Make, resnet50_shapes: Shapes, holds_stand_ins: Any
) -> None:
    weights = {}
    for number, count in ((1, 2), (2, 13)):
        offset = 0 if count == bands else 1
        given = stand_ins(resnet50_shapes(count), f"module.backbone_{number}.")
        weights |= {name: tensor + offset for name, tensor in given.items()} if offset else given
    content = {"epoch": 100, "model": {**weights, "module.projector1.0.weight": torch.zeros(1)}, "optimizer": {}}
    encoder, report = loaded(DECUR, modality, content, tmp_path / "decur.pth")
    assert holds_stand_ins(encoder) == []
    assert report.missing == ()
    assert len(report.unexpected) == 318 + 1
    other = "module.backbone_2." if modality == "s1" else "module.backbone_1."
    assert report.unexpected[0].startswith(other)


def test_decur_with_deformable_attention_is_refused(tmp_path: Path, stand_ins: Make, resnet50_shapes: Shapes) -> None:
    content = {**stand_ins(resnet50_shapes(2), "backbone."), "da1_l3.proj_q.weight": torch.zeros(1)}
    with pytest.raises(UsageError, match="deformable attention"):
        loaded(DECUR, "s1", content, tmp_path / "rda.pth")


def test_satlas_gives_its_backbone_without_the_pyramid(
    tmp_path: Path, stand_ins: Make, resnet50_shapes: Shapes, holds_stand_ins: Any
) -> None:
    others = {
        "backbone.resnet.fc.weight": (1000, 2048),
        "intermediates.0.fpn.inner_blocks.0.0.weight": (128, 256, 1, 1),
    }
    content = {**stand_ins(resnet50_shapes(9), "backbone.resnet."), **stand_ins(others)}
    encoder, report = loaded(SATLAS, "s2", content, tmp_path / "satlas.pth")
    assert holds_stand_ins(encoder) == []
    assert report.missing == ()
    assert report.unexpected == tuple(sorted(others))


@pytest.mark.parametrize(("spec", "bands"), [(MOCO, 13), (DINO, 13), (DECUR, 13), (SATLAS, 9)])
def test_files_of_bare_names_are_read_too(
    spec: EncoderSpec, bands: int, tmp_path: Path, stand_ins: Make, resnet50_shapes: Shapes, holds_stand_ins: Any
) -> None:
    encoder, report = loaded(spec, "s2", stand_ins(resnet50_shapes(bands)), tmp_path / "backbone.pth")
    assert holds_stand_ins(encoder) == []
    assert report.missing == report.unexpected == ()


def test_weights_of_the_other_modality_are_refused(tmp_path: Path, stand_ins: Make, resnet50_shapes: Shapes) -> None:
    with pytest.raises(UsageError, match=r"conv1\.weight \[64, 2, 7, 7\], not \[64, 13, 7, 7\]"):
        loaded(MOCO, "s2", moco(stand_ins, resnet50_shapes(2)), tmp_path / "s1.pth")


def test_a_loaded_encoder_computes_what_torchvisions_resnet_does(tmp_path: Path) -> None:
    torch.manual_seed(0)
    original = resnet50()
    original.conv1 = nn.Conv2d(13, 64, kernel_size=7, stride=2, padding=3, bias=False)
    for name, buffer in original.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_()
    weights = {f"module.encoder_q.{name}": w for name, w in original.state_dict().items()}
    encoder, _ = loaded(MOCO, "s2", {"state_dict": weights}, tmp_path / "moco.pth")
    image = torch.rand(1, 13, 64, 64)
    original.eval(), encoder.eval()
    with torch.no_grad():
        features = encoder(image)
        x = original.maxpool(original.relu(original.bn1(original.conv1(image))))
        for stage, found in zip(("layer1", "layer2", "layer3", "layer4"), features[2:], strict=True):
            x = getattr(original, stage)(x)
            assert torch.equal(found, x)


def test_sentinel_2_of_moco_and_dino_is_reflectance() -> None:
    for spec in (MOCO, DINO):
        image = spec.input_for("s2")
        assert image.bands == S2_BANDS
        raw = torch.tensor([1.0, 5000.0, 10_000.0, 16_000.0]).expand(1, 13, 1, 4)
        assert image.prepare(raw, S2_BANDS)[0, 6, 0].tolist() == pytest.approx([0.0001, 0.5, 1.0, 1.0])


def test_the_others_are_mean_and_twice_std() -> None:
    for image, scaling in (
        (MOCO.input_for("s1"), S1_SCALING), (DECUR.input_for("s1"), S1_SCALING), (DECUR.input_for("s2"), S2_SCALING),
    ):  # fmt: skip
        mean, std = torch.tensor(scaling.mean), torch.tensor(scaling.std)
        raw = torch.stack([mean, mean + std, mean + 5 * std], dim=1)[None, :, None]
        expected = torch.tensor([0.5, 0.75, 1.0]).expand(1, len(scaling.bands), 1, 3)
        torch.testing.assert_close(image.prepare(raw, scaling.bands), expected)
    assert DECUR.input_for("s1").bands == S1_BANDS


def test_satlas_takes_the_true_colour_picture_first() -> None:
    image = SATLAS.input_for("s2")
    assert image.bands == ("B4", "B3", "B2", "B5", "B6", "B7", "B8", "B11", "B12")
    raw = torch.full((1, 13, 1, 1), 1779.0)
    expected = [0.5] * 3 + [1779 / 8160] * 6
    assert image.prepare(raw, S2_BANDS)[0, :, 0, 0].tolist() == pytest.approx(expected)


def test_what_is_not_published_is_refused() -> None:
    with pytest.raises(UsageError, match="DINO was published for s2 only"):
        DINO.input_for("s1")
    with pytest.raises(UsageError, match="s2_bands is 9, but the weights of MoCo take 13"):
        MOCO.input_for("s2", 9)
    assert MOCO.input_for("s1", 9).bands == S1_BANDS
