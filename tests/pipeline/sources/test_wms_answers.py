"""Images that came, and what is said where another thing came."""

import io

import numpy as np
import pytest
from PIL import Image

from pipeline.emulator.map_drawing import jpeg, png
from pipeline.emulator.wms import ERROR_PAGE
from pipeline.emulator.wms_documents import exception
from pipeline.schema.errors import FailureKind, SourceError
from pipeline.sources.retry import BrokenAnswerError
from pipeline.sources.wms_answers import page_text, read_image

IMAGE = np.random.default_rng(3).integers(0, 256, (5, 7, 4), dtype=np.uint8)


def test_an_image_comes_through_to_the_bit() -> None:
    np.testing.assert_array_equal(read_image(png(IMAGE), (7, 5), "here"), IMAGE)


def test_a_palette_becomes_its_colours() -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([230, 0, 77, 255, 255, 168])
    picture.putpixel((1, 0), 1)
    out = io.BytesIO()
    picture.save(out, "PNG")
    assert read_image(out.getvalue(), (2, 1), "here").tolist() == [[[230, 0, 77, 255], [255, 255, 168, 255]]]


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (ERROR_PAGE.body, FailureKind.TRANSIENT, "here: an HTML page 'Service under maintenance' came instead"),
        (exception("1.3.0", "LayerNotDefined", "no <such> layer"), FailureKind.PERMANENT, "'no <such> layer'"),
        (exception("1.1.1", "", "unable to get map"), FailureKind.TRANSIENT, "'unable to get map'"),
        (exception("1.1.1", "InvalidFormat", "?"), FailureKind.PERMANENT, "says '?'"),
        (b"<a:ServiceException><![CDATA[too\n busy]]></a:ServiceException>", FailureKind.TRANSIENT, "'too busy'"),
        (b"", FailureKind.TRANSIENT, "an empty answer"),
        (b'{"error": 1}', FailureKind.TRANSIENT, """begins '{"error": 1}'"""),
        (jpeg(IMAGE), FailureKind.PERMANENT, "a JPEG came instead of a PNG"),
    ],
)
def test_a_page_instead_of_an_image_is_told_in_a_plain_line(body: bytes, kind: FailureKind, said: str) -> None:
    with pytest.raises(SourceError) as told:
        read_image(body, (7, 5), "here")
    assert told.value.kind is kind
    assert said in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
def test_half_an_image_is_no_image(kept: float) -> None:
    whole = png(np.repeat(np.repeat(IMAGE, 40, axis=0), 40, axis=1))
    with pytest.raises(BrokenAnswerError, match=r"is broken|instead"):
        read_image(whole[: int(len(whole) * kept)], (280, 200), "here")


def test_an_image_of_another_size_is_not_stretched() -> None:
    with pytest.raises(BrokenAnswerError, match=r"\(7, 5\) pixels came, \(8, 5\) were asked for"):
        read_image(png(IMAGE), (8, 5), "here")


def test_an_image_of_sixteen_bits_is_refused() -> None:
    out = io.BytesIO()
    Image.fromarray(np.zeros((5, 7), dtype=np.uint16)).save(out, "PNG")
    with pytest.raises(SourceError, match="not 8 bits"):
        read_image(out.getvalue(), (7, 5), "here")


def test_a_long_page_is_told_shortly() -> None:
    assert len(page_text(b"<html><title>" + b"x" * 5000 + b"</title>")) < 240
