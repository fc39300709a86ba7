from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.schema.bands import S1_BANDS, S1_SCALING, S2_BANDS
from training.encoders.dofa import DOFA, Dofa
from training.encoders.token_pyramid import VitSize


def published_shapes(layers: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    wave, width, hidden = 128, 1024, 2048
    generator = {
        "transformer_encoder.layers.0.self_attn.in_proj_weight": (3 * wave, wave),
        "transformer_encoder.layers.0.self_attn.in_proj_bias": (3 * wave,),
        "transformer_encoder.layers.0.self_attn.out_proj.weight": (wave, wave),
        "transformer_encoder.layers.0.self_attn.out_proj.bias": (wave,),
        "transformer_encoder.layers.0.linear1.weight": (hidden, wave),
        "transformer_encoder.layers.0.linear1.bias": (hidden,),
        "transformer_encoder.layers.0.linear2.weight": (wave, hidden),
        "transformer_encoder.layers.0.linear2.bias": (wave,),
        "transformer_encoder.layers.0.norm1.weight": (wave,),
        "transformer_encoder.layers.0.norm1.bias": (wave,),
        "transformer_encoder.layers.0.norm2.weight": (wave,),
        "transformer_encoder.layers.0.norm2.bias": (wave,),
        "fc_weight.weight": (16 * 16 * width, wave),
        "fc_weight.bias": (16 * 16 * width,),
        "fc_bias.weight": (width, wave),
        "fc_bias.bias": (width,),
        "weight_tokens": (128, wave),
        "bias_token": (1, wave),
    }
    wave_layer = {f"patch_embed.fclayer.{w}.{part}": (128,) * n for w in ("w1", "w2") for part, n in PARTS}
    made = {f"patch_embed.weight_generator.{name}": shape for name, shape in generator.items()}
    others = {"mask_token": (1, 1, 512), "projector.weight": (768, 1024), "projector.bias": (768,)}
    return {**layers, "pos_embed": (1, 197, width), **made, **wave_layer, **others}


PARTS = (("weight", 2), ("bias", 1))


@pytest.mark.filterwarnings("ignore:for .* copying from a non-meta parameter")
def test_the_published_names_and_shapes_load(
    tmp_path: Path, stand_ins: Callable[..., dict[str, Tensor]], vit_large_shapes: dict[str, tuple[int, ...]]
) -> None:
    torch.save(stand_ins(published_shapes(vit_large_shapes)), tmp_path / "DOFA_ViT_large_e100.pth")
    with torch.device("meta"):
        encoder = DOFA.build(DOFA.input_for("s2"))
    report = DOFA.load(encoder, tmp_path / "DOFA_ViT_large_e100.pth", "s2")
    assert report.missing == ()
    assert report.unexpected == ("mask_token", "norm.bias", "norm.weight", "projector.bias", "projector.weight")


def test_it_computes_what_the_published_code_does(reference_tokens: Callable[[str], Any]) -> None:
    expected, ours = reference_tokens("dofa")
    found = ours(Dofa(DOFA.input_for("s2"), VitSize(64, 4, 4)), 9, 224)
    assert np.abs(found - expected).max() < 1e-4


def test_the_bands_of_either_modality_make_their_own_filters() -> None:
    torch.manual_seed(0)
    radar = Dofa(DOFA.input_for("s1"), VitSize(16, 4, 2)).eval()
    optical = Dofa(DOFA.input_for("s2"), VitSize(16, 4, 2)).eval()
    optical.load_state_dict(radar.state_dict())  # the weights are the same, whatever the bands
    assert radar(torch.rand(1, 2, 64, 64))[-1].shape == optical(torch.rand(1, 9, 64, 64))[-1].shape == (1, 16, 2, 2)


def test_sentinel_2_is_the_8_bit_picture_standardised() -> None:
    image = DOFA.input_for("s2")
    assert image.bands == ("B4", "B3", "B2", "B5", "B6", "B7", "B8", "B11", "B12")
    raw = torch.zeros(1, 13, 1, 1)
    raw[0, S2_BANDS.index("B4")] = 3558 * 114.1099739 / 255
    raw[0, S2_BANDS.index("B12")] = 32 * (56.66528851 + 42.55886798)
    found = image.prepare(raw, S2_BANDS)[0, :, 0, 0]
    assert found[0].item() == pytest.approx(0.0, abs=1e-5)
    assert found[8].item() == pytest.approx(1.0, abs=1e-5)


def test_sentinel_1_is_standardised_decibels() -> None:
    mean, std = torch.tensor(S1_SCALING.mean), torch.tensor(S1_SCALING.std)
    raw = torch.stack([mean, mean + 3 * std], dim=1)[None, :, None]
    found = DOFA.input_for("s1").prepare(raw, S1_BANDS)
    torch.testing.assert_close(found, torch.tensor([0.0, 3.0]).expand(1, 2, 1, 2), atol=1e-5, rtol=0)
