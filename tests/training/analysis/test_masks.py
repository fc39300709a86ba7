import numpy as np
import pytest
import torch

from training.analysis.flat_rows import mask_rows
from training.analysis.masks import MaskedPatch, masked_patches
from training.analysis.run_data import RunData
from training.analysis.runs import PretrainRun, Runs, load_network
from training.compute import Compute
from training.confidence import enhance, entropy_confidence, label_confidence
from training.selection import segmentation_weights


@pytest.fixture(scope="module")
def patches(both: PretrainRun, data: RunData, compute: Compute) -> list[MaskedPatch]:
    return masked_patches(load_network(both, both.last, compute), data, both.settings, compute, count=2)


def test_masks_are_those_of_the_paper(patches: list[MaskedPatch], both: PretrainRun, compute: Compute) -> None:
    network = load_network(both, both.last, compute)
    s1, s2 = (torch.from_numpy(np.stack([getattr(p, m) for p in patches])).float() / 255 for m in ("s1", "s2"))
    label = torch.from_numpy(np.stack([p.label for p in patches]))
    with torch.no_grad():
        padded = network(*(torch.nn.functional.pad(image, (12, 12, 12, 12), mode="reflect") for image in (s1, s2)))
    log_p = {m: logits[..., 12:84, 12:84].log_softmax(1) for m, logits in padded.items()}
    f = {m: label_confidence(log_p[m], label) for m in ("s1", "s2")}
    g = {m: entropy_confidence(log_p[m]) for m in ("s1", "s2")}
    for m, other in (("s1", "s2"), ("s2", "s1")):
        support = enhance(f[m], f[other])
        expected = {
            "prediction": log_p[m].argmax(1),
            "confidence": f[m],
            "support": support,
            "weight": segmentation_weights(support, label, ratio=0.5, classes=9),
            "certainty": enhance(g[m], g[other]),
        }
        for name, tensor in expected.items():
            found = np.stack([getattr(p.masks[m], name) for p in patches])
            np.testing.assert_allclose(found, tensor.numpy(), atol=1e-5, err_msg=f"{m} {name}")


def test_patches_are_held_out_and_different(patches: list[MaskedPatch], data: RunData) -> None:
    assert len({patch.row for patch in patches}) == len(patches) == min(2, len(data.split.held_out))
    assert {patch.row for patch in patches} <= set(data.split.held_out.tolist())


def test_a_single_modality_has_its_own_masks(runs: Runs, data: RunData, compute: Compute) -> None:
    single = runs.pretraining[1]
    (patch,) = masked_patches(load_network(single, single.last, compute), data, single.settings, compute, count=1)
    assert list(patch.masks) == ["s2"]
    assert np.array_equal(patch.masks["s2"].support, patch.masks["s2"].confidence)


def test_figures_of_the_masks(patches: list[MaskedPatch]) -> None:
    rows = mask_rows("both", patches)
    assert [(row.row, row.modality) for row in rows] == [(p.row, m) for p in patches for m in ("s1", "s2")]
    patch, row = patches[0], rows[0]
    assert patch.truth is not None
    known = patch.label != 255
    full, right = patch.masks["s1"].weight >= 1.0, patch.label == patch.truth
    assert row.labelled == known.mean()
    assert row.selected == pytest.approx(full[known].mean())
    assert row.right == pytest.approx(right[known].mean())
    assert row.right_selected == pytest.approx(right[known & full].mean())
    assert row.right_others == pytest.approx(right[known & ~full].mean())
