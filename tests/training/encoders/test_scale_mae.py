from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from training.encoders.scale_mae import SCALE_MAE, ScaleMae
from training.encoders.token_pyramid import VitSize

OTHERS = {
    "pos_embed": (1, 197, 1024), "decoder_pos_embed": (1, 197, 512), "mask_token": (1, 1, 512),
    "mask_token_decoder": (1, 1, 512), "decoder_embed.weight": (512, 1024), "fpn.conv1.0.weight": (512, 512, 2, 2),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:for .* copying from a non-meta parameter")
def test_the_published_names_and_shapes_load(
    tmp_path: Path, stand_ins: Callable[..., dict[str, Tensor]], vit_large_shapes: dict[str, tuple[int, ...]]
) -> None:
    embedding = {"patch_embed.proj.weight": (1024, 3, 16, 16), "patch_embed.proj.bias": (1024,)}
    torch.save(
        {"model": stand_ins({**vit_large_shapes, **embedding, **OTHERS})}, tmp_path / "scalemae-vitlarge-800.pth"
    )
    with torch.device("meta"):
        encoder = SCALE_MAE.build(SCALE_MAE.input_for("s2"))
    report = SCALE_MAE.load(encoder, tmp_path / "scalemae-vitlarge-800.pth", "s2")
    assert report.missing == ()
    assert report.unexpected == tuple(sorted(OTHERS))


def test_it_computes_what_the_published_code_does(reference_tokens: Callable[[str], Any]) -> None:
    expected, ours = reference_tokens("scale_mae")
    found = ours(ScaleMae(VitSize(64, 4, 4)), 3, 224)
    assert np.abs(found - expected).max() < 1e-4


def test_positions_are_metres() -> None:
    torch.manual_seed(0)
    near, far = (ScaleMae(VitSize(16, 4, 2), ground_m=metres).eval() for metres in (1.0, 10.0))
    far.load_state_dict(near.state_dict())
    black = torch.zeros(1, 3, 352, 32)
    with torch.no_grad():
        ten_steps, one_step = near.tokens(black, 22, 2)[0, 1 + 10 * 2], far.tokens(black, 22, 2)[0, 1 + 1 * 2]
    torch.testing.assert_close(ten_steps, one_step)


def test_it_takes_the_three_colours() -> None:
    assert SCALE_MAE.input_for("s2").bands == ("B4", "B3", "B2")
