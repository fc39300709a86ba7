import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from pipeline.schema.landcover import IGNORE, N_DW_CLASSES
from training.analysis.anatomy import SeasonAnatomy, location_anatomy
from training.analysis.figures.anatomy import draw_anatomy

PX = 40


@pytest.fixture(scope="module")
def labels() -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.integers(0, N_DW_CLASSES, (4, PX // 8, PX // 8), dtype=np.uint8).repeat(8, 1).repeat(8, 2)


@pytest.fixture(scope="module")
def seasons(labels: np.ndarray) -> tuple[SeasonAnatomy, ...]:
    truth = labels.copy()
    truth[:, 0] = (labels[:, 0] + 1) % N_DW_CLASSES
    label = labels.copy()
    label[2, :, :4] = IGNORE
    images = np.zeros((4, 13, PX, PX), np.uint8)
    return location_anatomy(images, images[:, :2], label, truth)


def test_the_prior_is_the_papers(seasons: tuple[SeasonAnatomy, ...], labels: np.ndarray) -> None:
    """Equations 13 to 15, worked out with scipy for the two seasons whose label is whole."""
    known = np.stack([season.label for season in seasons])
    one_hot = (known[:, None] == np.arange(N_DW_CLASSES)[:, None, None]).astype(float)
    for at in (0, 1):
        votes = (one_hot[at] + one_hot.mean(0)) / 2
        smooth = np.stack([gaussian_filter(v, 3.0, mode="reflect", truncate=4.0) for v in votes])
        prior = smooth / smooth.sum(0)
        np.testing.assert_allclose(seasons[at].prior, prior, atol=1e-5)
        np.testing.assert_allclose(seasons[at].target, 0.8 * one_hot[at] + 0.15 * prior + 0.05 / 9, atol=1e-5)


def test_what_is_not_labelled_has_no_target_and_no_support(seasons: tuple[SeasonAnatomy, ...]) -> None:
    gap = seasons[2].label == IGNORE
    assert gap.any()
    assert not seasons[2].target[:, gap].any()
    np.testing.assert_array_equal(np.isnan(seasons[2].label_prior), gap)
    picked = np.take_along_axis(seasons[0].prior, seasons[0].label[None].astype(int), 0)[0]
    np.testing.assert_array_equal(seasons[0].label_prior, picked)
    np.testing.assert_array_equal(seasons[0].likeliest, seasons[0].prior.argmax(0))


def test_wrong_labels_are_counted_where_both_are_known(seasons: tuple[SeasonAnatomy, ...]) -> None:
    assert seasons[0].wrong == pytest.approx(1 / PX)
    assert seasons[2].wrong == pytest.approx(1 / PX)


def test_arrays_that_do_not_belong_together_are_refused(labels: np.ndarray) -> None:
    images = np.zeros((4, 13, PX, PX), np.uint8)
    with pytest.raises(ValueError, match=r"s1 is of \(4, 40, 20\)"):
        location_anatomy(images, images[:, :2, :, :20], labels)


def test_the_figure_has_columns_of_the_truth_only_where_it_is_known(
    seasons: tuple[SeasonAnatomy, ...], labels: np.ndarray
) -> None:
    images = np.zeros((4, 13, PX, PX), np.uint8)
    days = ["a", "b", "c", "d"]
    with_truth = draw_anatomy(seasons, days)
    without = draw_anatomy(location_anatomy(images, images[:, :2], labels), days)
    titles = [[axes.get_title() for axes in figure.axes if axes.get_title()] for figure in (with_truth, without)]
    assert len(titles[0]) == 7
    assert len(titles[1]) == 5
    assert [axes.get_ylabel() for axes in with_truth.axes[::7]][:4] == days
