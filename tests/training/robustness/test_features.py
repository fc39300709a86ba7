"""Every network is seen at the same pixels, and scored on all of them."""

from pathlib import Path

import numpy as np
import pytest
import torch
import zarr

from training.compute import choose_compute
from training.dataset import open_store, split_locations
from training.robustness.compare import Viewed, compare_layers
from training.robustness.features import HeldOut, Seen, see
from training.robustness.networks import untrained_network
from training.settings import PretrainSettings
from training.single_unet import SingleUNet, build_single


@pytest.fixture
def ground(small: tuple[Path, Path], tiny_settings: PretrainSettings) -> HeldOut:
    settings = tiny_settings.model_copy(update={"modalities": "s2", "encoder": "resnet18"})
    return HeldOut(open_store(small[0]), split_locations(8, 0.2, 0), settings, choose_compute(settings))


def seen_by(network: SingleUNet, ground: HeldOut, samples: int = 100) -> Seen:
    return see(network, ground, samples=samples, on_progress=lambda done, total: None)


def network(seed: int) -> SingleUNet:
    torch.manual_seed(seed)
    return build_single("s2", "resnet18", (32, 16, 8))


def test_pixels_are_as_many_as_asked_or_all_there_are(ground: HeldOut) -> None:
    seen = seen_by(network(0), ground, samples=200)
    images = 4 * len(ground.split.held_out)
    assert {layer.name: len(values) for layer, values in seen.features.items()} == {
        name: min(-(-200 // images), pixels) * images
        for name, pixels in {
            "encoder 1": 32**2, "encoder 2": 16**2, "encoder 3": 8**2, "decoder 1": 16**2, "decoder 2": 32**2,
            "decoder 3": 64**2, "head": 64**2,
        }.items()
    }  # fmt: skip


def test_pixels_do_not_depend_on_the_network(ground: HeldOut) -> None:
    """Of networks whose last layers give the same at a pixel wherever the rest differs, the same comes out."""
    one, other = network(0), network(0)
    with torch.no_grad():
        for parameter in other.segmentation_head.parameters():
            parameter *= 2.0
    first, second = seen_by(one, ground), seen_by(other, ground)
    for layer, values in first.features.items():
        torch.testing.assert_close(second.features[layer], 2.0 * values if layer.part == "head" else values)


def test_scores_count_every_labelled_pixel_of_the_crops(ground: HeldOut, small: tuple[Path, Path]) -> None:
    always = network(0)
    with torch.no_grad():
        always.segmentation_head[0].weight.zero_()
        always.segmentation_head[0].bias.copy_(torch.eye(9)[2])
    labels = np.asarray(zarr.open_array(small[0] / "dw", mode="r")[:])[ground.split.held_out, :, 4:68, 4:68]
    found = seen_by(always, ground).scores
    assert found.pixels == (labels != 255).sum()
    assert found.oa == pytest.approx((labels == 2).sum() / (labels != 255).sum())


def test_a_network_compared_with_itself_is_the_same_in_every_layer(ground: HeldOut) -> None:
    same = network(0)
    same.train()
    with torch.no_grad():
        for inputs in ground.inputs():
            same(inputs.s1, inputs.s2)  # statistics of its own
    viewed = Viewed(same, seen_by(same, ground))
    for row in compare_layers(viewed, viewed, name="itself", rate=0.0, bands=13):
        assert row.cka == pytest.approx(1.0, abs=1e-9)
        assert row.cka_plain == pytest.approx(1.0, abs=1e-9)
        assert row.bn_kl == (None if row.part == "head" else 0.0)
        assert (row.bn_layers > 0) == (row.part != "head")


def test_a_network_changed_in_one_block_differs_there_and_beyond(ground: HeldOut) -> None:
    one, other = network(0), network(0)
    with torch.no_grad():
        norm = other.decoder.blocks[1].conv1[1]
        norm.running_mean += 1.0
        norm.running_var *= 3.0
        norm.weight.copy_(torch.randn(norm.weight.shape))
    rows = compare_layers(
        Viewed(one, seen_by(one, ground)), Viewed(other, seen_by(other, ground)), name="n", rate=0.1, bands=13
    )
    for row in rows:
        changed = row.layer in ("decoder 2", "decoder 3", "head")
        assert row.cka is not None
        assert (row.cka < 0.999) == changed, row
        if row.bn_kl is not None:
            assert (row.bn_kl > 0.0) == (row.layer == "decoder 2"), row


def test_the_untrained_network_is_the_one_that_training_begins_with(ground: HeldOut) -> None:
    torch.manual_seed(ground.settings.seed)
    expected = build_single("s2", "resnet18", (32, 16, 8))
    found = untrained_network(ground)
    for (name, ours), theirs in zip(found.named_parameters(), expected.parameters(), strict=True):
        assert torch.equal(ours, theirs), name
    assert not torch.equal(found.encoder.bn1.running_mean, expected.encoder.bn1.running_mean)
    rows = list(
        compare_layers(
            Viewed(expected.eval(), seen_by(expected, ground)), Viewed(found, seen_by(found, ground)),
            name="untrained", rate=None, bands=13,
        )
    )  # fmt: skip
    assert all(row.bn_kl is None for row in rows)
