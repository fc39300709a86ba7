import base64
import io

import numpy as np
import pytest
from PIL import Image

from pipeline.report import picture
from pipeline.schema.bands import S2_BANDS, S2_BANDS_9
from pipeline.schema.landcover import DW_CLASSES, IGNORE


def pixels(uri: str) -> np.ndarray:
    head, data = uri.split(",", 1)
    assert head in ("data:image/png;base64", "data:image/webp;base64")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def test_a_class_map_has_the_legends_colours_and_grey_without_a_label() -> None:
    label = np.array([[c.code for c in DW_CLASSES] + [IGNORE]], dtype=np.uint8)
    rgb = pixels(picture.classes(label))
    assert ["#" + bytes(colour.tolist()).hex() for colour in rgb[0]] == [c.colour for c in DW_CLASSES] + ["#808080"]


def test_errors_are_red_only_where_label_and_truth_are_known_and_differ() -> None:
    label = np.array([[1, 1, IGNORE, 2]], dtype=np.uint8)
    truth = np.array([[1, 4, 3, IGNORE]], dtype=np.uint8)
    expected = [picture.RIGHT_RGB, picture.WRONG_RGB, picture.NO_LABEL_RGB, picture.NO_LABEL_RGB]
    assert [tuple(p) for p in pixels(picture.errors(label, truth))[0].tolist()] == expected


def test_weights_run_from_the_ramps_first_colour_to_its_last_and_rise_in_lightness() -> None:
    weight = np.linspace(0, 1, 16, dtype=np.float16)[None]
    rgb = pixels(picture.weights(weight))[0].astype(int)
    assert bytes(rgb[0].tolist()).hex() == picture.WEIGHT_RAMP[0][1:]
    assert bytes(rgb[-1].tolist()).hex() == picture.WEIGHT_RAMP[-1][1:]
    lightness = rgb @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > 0).all()


def test_a_weight_that_is_no_number_is_drawn_as_nought() -> None:
    rgb = pixels(picture.weights(np.array([[np.nan, 0.0]], dtype=np.float32)))[0]
    assert (rgb[0] == rgb[1]).all()


@pytest.mark.parametrize("bands", [S2_BANDS, S2_BANDS_9])
def test_true_colour_takes_red_green_and_blue_from_b4_b3_and_b2(bands: tuple[str, ...]) -> None:
    s2 = np.full((1, len(bands), 48, 48), 90, dtype=np.uint8)
    for third, band in enumerate(("B4", "B3", "B2")):
        s2[0, bands.index(band), :, 16 * third : 16 * third + 16] = 220
    rgb = pixels(picture.true_colour(s2)[0])
    assert [int(rgb[24, x].argmax()) for x in (8, 24, 40)] == [0, 1, 2]


def test_snow_is_white_though_the_store_cuts_each_band_off_elsewhere() -> None:
    s2 = np.random.default_rng(0).integers(40, 60, (1, 13, 48, 48)).astype(np.uint8)
    s2[..., :16] = 255  # above every band's range: the three ceilings are 3640, 3091 and 3065
    snow = pixels(picture.true_colour(s2)[0])[:, 2:14].astype(int)
    assert (snow.max(axis=-1) - snow.min(axis=-1)).max() <= 6
    assert snow.min() > 245


def test_one_bright_season_leaves_the_others_readable() -> None:
    rng = np.random.default_rng(0)
    s2 = rng.integers(60, 120, size=(4, 13, 32, 32)).astype(np.uint8)
    before = pixels(picture.true_colour(s2)[0]).mean()
    s2[3] = 250
    after = pixels(picture.true_colour(s2)[0]).mean()
    assert after == pytest.approx(before, rel=0.05)


def test_false_colour_is_bluer_where_vv_exceeds_vh_by_more() -> None:
    s1 = np.full((1, 2, 32, 64), 120, dtype=np.uint8)
    s1[0, 1, :, 32:] = 30
    rgb = pixels(picture.false_colour(s1)[0]).astype(int)
    assert rgb[16, 48, 2] > rgb[16, 16, 2] + 40
    assert rgb[16, 48, 1] < rgb[16, 16, 1]


def test_a_large_patch_is_reduced_and_keeps_only_its_own_classes() -> None:
    label = np.zeros((512, 512), dtype=np.uint8)
    label[:, 256:] = 6
    rgb = pixels(picture.classes(label))
    assert rgb.shape == (picture.SIDE_PX, picture.SIDE_PX, 3)
    assert len(np.unique(rgb.reshape(-1, 3), axis=0)) == 2
