import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from training.transfer.padding import margins, padded_logits


@given(px=st.integers(1, 600), stride=st.sampled_from([8, 16, 32]))
def test_a_side_becomes_a_multiple_of_the_stride(px: int, stride: int) -> None:
    before, after = margins(px, stride)
    assert (px + before + after) % stride == 0
    assert 0 <= before <= after <= before + 1
    assert before + after < stride


@pytest.mark.parametrize("sides", [(480, 480), (496, 496), (510, 510), (512, 512), (256, 256), (3, 40)])
def test_logits_are_those_of_the_image_itself(sides: tuple[int, int]) -> None:
    image = torch.arange(sides[0] * sides[1], dtype=torch.float32).reshape(1, 1, *sides)

    def network(padded: Tensor) -> Tensor:
        assert padded.shape[-1] % 32 == padded.shape[-2] % 32 == 0
        return padded

    assert torch.equal(padded_logits(network, image, 32), image)
