"""What teachers make of images: ensembles, doubt, pixels that nothing was seen at, and other scales."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pipeline.schema.bands import S1_SCALING, S2_NODATA, S2_SCALING
from training.augment import Augmentation, draw
from training.compute import Compute, network_inputs
from training.dataset import TrainingStore, open_store
from training.epoch_plan import in_batches
from training.loader import Batch, read_batches
from training.modality import Modality
from training.pseudo.held_out import HeldOutAs
from training.pseudo.label_images import combine, label_images, observed, placed_observed
from training.pseudo.settings import WritingSettings
from training.pseudo.teachers import Teacher
from training.segmenter import Segmenter

CPU = Compute(torch.device("cpu"), bf16=False)
PLAIN = WritingSettings(flips=False, scales=(1.0,))


class Reader(Segmenter):
    """Its class is what the first band holds, in tenths of 255; it may be sure of it, and knows where it is."""

    modalities = ("s2",)

    def __init__(self, sure: float, shift: int = 0) -> None:
        super().__init__()
        self.sure, self.shift = sure, shift

    def forward(self, s1_BCHW: Tensor, s2_BCHW: Tensor) -> dict[Modality, Tensor]:
        code_BHW = ((s2_BCHW[:, 0] * 25.5).round().long() + self.shift) % 9
        return {"s2": self.sure * torch.nn.functional.one_hot(code_BHW, 9).movedim(-1, 1).float()}


def teacher(network: Segmenter) -> Teacher:
    return Teacher(network, 13, Path("weights"), "", HeldOutAs(None, None, 0.1, 0))


def coded(store: TrainingStore) -> tuple[Batch, Tensor]:
    """Two images whose first band holds ten times the class, and these classes."""
    (batch,) = read_batches(store, in_batches(np.array([0, 1]), np.array([0, 0]), 2), pin=False)
    code = torch.randint(0, 9, (2, 72, 72), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    s2 = batch.s2.clone()
    s2[:, 0] = 10 * code
    return replace(batch, s2=s2), code


def test_the_labels_are_the_network_s_and_confidence_its_probability(small: tuple[Path, Path]) -> None:
    store = open_store(small[0])
    batch, code = coded(store)
    found = label_images([teacher(Reader(3.0))], batch, store, PLAIN, CPU)
    assert torch.equal(found.label, code)
    p = np.exp(3.0) / (np.exp(3.0) + 8)
    assert set(found.confidence.flatten().tolist()) == {round(255 * p)}
    flipped = label_images([teacher(Reader(3.0))], batch, store, replace_settings(flips=True), CPU)
    assert torch.equal(flipped.label, code), "flipped views are flipped back"


def replace_settings(**changed: object) -> WritingSettings:
    return WritingSettings.model_validate({**PLAIN.model_dump(), **changed})


def test_a_pixel_of_little_confidence_gets_no_label(small: tuple[Path, Path]) -> None:
    store = open_store(small[0])
    batch, _ = coded(store)
    found = label_images([teacher(Reader(3.0))], batch, store, replace_settings(min_confidence=0.8), CPU)
    assert (found.label == 255).all()
    assert not found.confidence.any()


def test_teachers_of_two_minds(small: tuple[Path, Path]) -> None:
    store = open_store(small[0])
    batch, code = coded(store)
    sure, unsure = teacher(Reader(4.0)), teacher(Reader(2.0, shift=1))
    mean = label_images([sure, unsure], batch, store, PLAIN, CPU)
    assert torch.equal(mean.label, code)
    strict = label_images([sure, unsure], batch, store, replace_settings(ensemble="agreement"), CPU)
    assert (strict.label == 255).all()
    same = label_images([sure, teacher(Reader(2.0))], batch, store, replace_settings(ensemble="agreement"), CPU)
    assert torch.equal(same.label, code)


def test_ensembles_by_hand() -> None:
    one = torch.tensor([0.6, 0.4, 0.0, 0.2, 0.5, 0.3]).view(1, 3, 1, 2)
    two = torch.tensor([0.7, 0.1, 0.2, 0.8, 0.1, 0.1]).view(1, 3, 1, 2)
    p, label = combine([one, two], "mean")
    torch.testing.assert_close(p, torch.tensor([[[0.65, 0.5]]]))
    assert label.tolist() == [[[0, 1]]]
    assert combine([one, two], "agreement")[1].tolist() == [[[0, 255]]]


def test_where_sentinel_2_saw_nothing_there_is_no_label(small: tuple[Path, Path]) -> None:
    store = open_store(small[0])
    batch, code = coded(store)
    nothing = S2_SCALING.to_uint8(np.full((13, 1, 1), S2_NODATA, np.uint16))
    s2 = batch.s2.clone()
    s2[1, :, 5:9, 7:30] = torch.from_numpy(nothing)
    scaled = replace(store, scaling={"s1": S1_SCALING, "s2": S2_SCALING})
    blind = replace(batch, s2=s2)
    found = label_images([teacher(Reader(3.0))], blind, scaled, PLAIN, CPU)
    hidden = torch.zeros_like(code, dtype=torch.bool)
    hidden[1, 5:9, 7:30] = True
    assert torch.equal(found.label == 255, hidden)
    assert torch.equal(found.confidence == 0, hidden)
    assert observed(s2, store).all(), "a store that does not state its scaling is taken to have seen everything"


def test_where_something_was_seen_is_cropped_and_flipped_as_the_images_are(small: tuple[Path, Path]) -> None:
    store = replace(open_store(small[0]), scaling={"s1": S1_SCALING, "s2": S2_SCALING})
    batch, _ = coded(store)
    nothing = torch.from_numpy(S2_SCALING.to_uint8(np.full((13, 1, 1), S2_NODATA, np.uint16)))
    s2 = batch.s2.clone()
    s2[0, :, 30:, :40] = nothing
    s2[1, :, 20:50, 10:30] = nothing
    place = draw(Augmentation(48, 1.0, 0.0, 0.0), 2, 72, torch.Generator().manual_seed(2))
    found = placed_observed(s2, store, place, CPU.device)
    image = network_inputs(replace(batch, s2=s2), place, s2_bands=13, compute=CPU).s2
    assert torch.equal(~found, (image * 255 == nothing).all(dim=1))
    assert 0 < int(found.sum()) < found.numel()


def test_other_scales_are_brought_back_to_the_image_s_own(small: tuple[Path, Path]) -> None:
    store = open_store(small[0])
    batch, _ = coded(store)
    s2 = batch.s2.clone()
    s2[:, 0, :36], s2[:, 0, 36:] = 20, 70
    halves = replace(batch, s2=s2)
    found = label_images([teacher(Reader(5.0))], halves, store, replace_settings(scales=[0.5, 1.75]), CPU)
    assert found.label.shape == (2, 72, 72)
    assert (found.label[:, :33] == 2).all()
    assert (found.label[:, 39:] == 7).all()
