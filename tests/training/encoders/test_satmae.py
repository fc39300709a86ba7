from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.schema.bands import S2_BANDS
from training.encoders.satmae import SATMAE, SATMAE_PP, GroupVit
from training.encoders.spec import EncoderSpec
from training.encoders.token_pyramid import VitSize

DECODER = {
    "mask_token": (1, 1, 512), "decoder_pos_embed": (1, 145, 384), "decoder_channel_embed": (1, 4, 128),
    "decoder_embed.weight": (512, 1024), "decoder_blocks.0.norm1.weight": (512,), "decoder_pred.0.weight": (256, 512),
}  # fmt: skip
UPSAMPLING = {"proj_up_conv.weight": (40, 10, 1, 1), "up_block1.up_conv.weight": (40, 40, 4, 4)}


@pytest.mark.filterwarnings("ignore:for .* copying from a non-meta parameter")
@pytest.mark.parametrize(("spec", "others"), [(SATMAE, DECODER), (SATMAE_PP, {**DECODER, **UPSAMPLING})])
def test_the_published_names_and_shapes_load(
    spec: EncoderSpec,
    others: dict[str, tuple[int, ...]],
    tmp_path: Path,
    stand_ins: Callable[..., dict[str, Tensor]],
    vit_large_shapes: dict[str, tuple[int, ...]],
) -> None:
    embedding: dict[str, tuple[int, ...]] = {"pos_embed": (1, 145, 768), "channel_embed": (1, 3, 256)}
    for i, bands in enumerate((4, 4, 2)):
        embedding |= {f"patch_embed.{i}.proj.weight": (1024, bands, 8, 8), f"patch_embed.{i}.proj.bias": (1024,)}
    weights = stand_ins({**vit_large_shapes, **embedding, **others})
    torch.save({"model": weights, "epoch": 199, "optimizer": {}, "scaler": {}}, tmp_path / "w.pth")
    with torch.device("meta"):
        encoder = spec.build(spec.input_for("s2"))
    report = spec.load(encoder, tmp_path / "w.pth", "s2")
    assert report.missing == ("channel_cls_embed",)  # zeros, which only the fine-tuned files keep
    assert report.unexpected == tuple(sorted(others))
    assert len(report.loaded) == 24 * 12 + 3 + 2 + 6


def test_it_computes_what_the_published_code_does(reference_tokens: Callable[[str], Any]) -> None:
    expected, ours = reference_tokens("satmae")
    found = ours(GroupVit(VitSize(64, 4, 4), group_width=16), 10, 96)
    assert np.abs(found - expected).max() < 1e-4


def test_bands_are_the_ten_of_10_and_20_m_scaled_by_fmows_figures() -> None:
    image = SATMAE.input_for("s2")
    assert image.bands == ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
    raw = torch.zeros(1, 13, 1, 1)
    raw[0, S2_BANDS.index("B8A")] = 1972.62420416 + 1364.38688993
    raw[0, S2_BANDS.index("B2")] = 1184.3824625
    found = image.prepare(raw, S2_BANDS)[0, :, 0, 0]
    assert found[7].item() == pytest.approx(0.75)
    assert found[0].item() == pytest.approx(0.5)


def test_a_group_sees_its_own_bands_only() -> None:
    torch.manual_seed(0)
    encoder = GroupVit(VitSize(16, 4, 2), group_width=4).eval()
    image = torch.rand(1, 10, 32, 32)
    changed = image.clone()
    changed[:, 9] += 1.0
    with torch.no_grad():
        before, after = (encoder.tokens(x, 4, 4)[0, 1:].reshape(3, 16, 16) for x in (image, changed))
    assert torch.equal(before[:2], after[:2])
    assert not torch.equal(before[2], after[2])
