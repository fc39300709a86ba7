import numpy as np
import pytest

from pipeline.checks.arrival import dw_name, dw_prob_names, s1_names, s2_names, to_patch
from pipeline.schema.bands import S1_NODATA
from pipeline.schema.errors import FailureKind, SourceError

SIZE = 20
SHAPE = (SIZE, SIZE)


def arrived(label: int = 5) -> dict[str, np.ndarray]:
    """Four seasons of one value a sensor, without probabilities."""
    arrays: dict[str, np.ndarray] = {}
    for season in range(4):
        arrays.update({name: np.full(SHAPE, 700, np.uint16) for name in s2_names(season)})
        arrays.update({name: np.full(SHAPE, -12.5, np.float32) for name in s1_names(season)})
        arrays[dw_name(season)] = np.full(SHAPE, label, np.uint8)
    return arrays


def with_probabilities() -> dict[str, np.ndarray]:
    """Random probabilities, rounded, and the label that is their largest."""
    arrays = arrived()
    for season in range(4):
        drawn = np.random.default_rng(season).dirichlet(np.ones(9), SHAPE)
        arrays[dw_name(season)] = drawn.argmax(axis=-1).astype(np.uint8)
        for at, name in enumerate(dw_prob_names(season)):
            arrays[name] = np.rint(255 * drawn[..., at]).astype(np.uint8)
    return arrays


def test_shapes_and_types_are_the_patches_own() -> None:
    patch = to_patch("5", arrived(), SHAPE)
    assert (patch.s2.shape, patch.s2.dtype) == ((4, 13, *SHAPE), np.uint16)
    assert (patch.s1.shape, patch.s1.dtype) == ((4, 2, *SHAPE), np.float32)
    assert (patch.dw.shape, patch.dw.dtype) == ((4, *SHAPE), np.uint8)
    assert patch.dw_prob is None


def test_bands_that_lie_in_order_are_taken_as_they_lie_and_others_put_in_order() -> None:
    together = np.arange(4 * 13 * SIZE * SIZE, dtype=np.uint16).reshape(4, 13, *SHAPE)
    arrays = arrived()
    arrays.update({name: together[s, b] for s in range(4) for b, name in enumerate(s2_names(s))})
    patch = to_patch("5", arrays, SHAPE)
    assert np.shares_memory(patch.s2, together)
    np.testing.assert_array_equal(patch.s2, together)
    first, second = s2_names(1)[:2]
    arrays[first], arrays[second] = arrays[second], arrays[first]
    swapped = to_patch("5", arrays, SHAPE)
    assert not np.shares_memory(swapped.s2, together)
    np.testing.assert_array_equal(swapped.s2[1, 0], together[1, 1])
    frozen = together.copy()
    frozen.flags.writeable = False
    arrays.update({name: frozen[s, b] for s in range(4) for b, name in enumerate(s2_names(s))})
    assert to_patch("5", arrays, SHAPE).s2.flags.writeable


def test_unobserved_pixels_keep_their_fill_and_never_become_class_0() -> None:
    arrays = arrived()
    arrays["dw_2"][0, :3] = 255
    arrays["s1_1_VH"][1, 1] = S1_NODATA
    arrays["s1_1_VV"][2, 2] = -np.inf
    arrays["s1_1_VV"][2, 3] = np.nan
    patch = to_patch("5", arrays, SHAPE)
    assert (patch.dw[2, 0, :3] == 255).all()
    assert not (patch.dw == 0).any()
    assert patch.s1[1, 1, 1, 1] == S1_NODATA
    assert (patch.s1[1, 0, 2, 2:4] == S1_NODATA).all()
    assert (patch.s1 == S1_NODATA).sum() == 3


def test_a_patch_that_nobody_saw_passes_as_it_is() -> None:
    arrays = {name: np.zeros_like(array) for name, array in arrived().items()}
    for season in range(4):
        arrays[dw_name(season)][:] = 255
        for name in s1_names(season):
            arrays[name][:] = S1_NODATA
    patch = to_patch("5", arrays, SHAPE)
    assert not patch.s2.any()
    assert (patch.dw == 255).all()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("dw_1", 9, "Dynamic World class runs from 5 to 9"), ("s1_0_VV", 1e4, "S1 backscatter"),
     ("s1_3_VH", -200, "S1 backscatter")],
)  # fmt: skip
def test_values_that_cannot_be_are_refused(name: str, value: float, words: str) -> None:
    arrays = arrived()
    arrays[name][3, 3] = value
    with pytest.raises(SourceError, match=f"location 5: {words}") as caught:
        to_patch("5", arrays, SHAPE)
    assert caught.value.kind is FailureKind.PERMANENT


def test_arrays_that_were_not_planned_are_refused() -> None:
    arrays = arrived()
    with pytest.raises(SourceError, match="s2_2_B8A did not arrive"):
        to_patch("5", {name: array for name, array in arrays.items() if name != "s2_2_B8A"}, SHAPE)
    with pytest.raises(SourceError, match="dw_0 arrived as int32"):
        to_patch("5", {**arrays, "dw_0": arrays["dw_0"].astype(np.int32)}, SHAPE)
    with pytest.raises(SourceError, match=r"dw_0 arrived as uint8 \(19, 20\), expected uint8 \(20, 20\)"):
        to_patch("5", {**arrays, "dw_0": arrays["dw_0"][:-1]}, SHAPE)
    with pytest.raises(SourceError, match="did not arrive"):
        to_patch("5", {}, SHAPE)
    with pytest.raises(SourceError, match="dw_0_water did not arrive"):
        to_patch("5", arrays, SHAPE, probabilities=True)


def test_probabilities_lie_season_by_class_and_are_zero_without_a_label() -> None:
    arrays = with_probabilities()
    arrays["dw_1"][:3] = 255
    patch = to_patch("5", arrays, SHAPE, probabilities=True)
    assert patch.dw_prob is not None
    assert (patch.dw_prob.shape, patch.dw_prob.dtype) == ((4, 9, *SHAPE), np.uint8)
    assert not patch.dw_prob[1, :, :3].any()
    assert (patch.dw_prob[1, :, 3:].sum(axis=0) > 245).all()
    np.testing.assert_array_equal(patch.dw_prob[2, 4], arrays["dw_2_crops"])
    assert (patch.dw_prob.argmax(axis=1) == patch.dw)[patch.dw != 255].mean() > 0.9, "but for ties"


def test_a_few_odd_pixels_are_let_pass_but_not_probabilities_of_something_else() -> None:
    arrays = with_probabilities()
    arrays["dw_0_water"][0, :3] = 0
    to_patch("5", arrays, SHAPE, probabilities=True)
    halved = {name: (a // 2 if name.count("_") > 1 else a) for name, a in arrays.items() if not name.startswith("s")}
    with pytest.raises(SourceError, match=r"do not add up to 1 at 100% of the labelled pixels") as caught:
        to_patch("5", {**arrays, **halved}, SHAPE, probabilities=True)
    assert caught.value.kind is FailureKind.PERMANENT
    swapped = {**arrays, "dw_0": arrays["dw_1"], "dw_1": arrays["dw_0"]}
    with pytest.raises(SourceError, match=r"the label is not the likeliest class at \d+%"):
        to_patch("5", swapped, SHAPE, probabilities=True)
