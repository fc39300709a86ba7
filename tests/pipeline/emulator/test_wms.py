"""The map service's answers to requests, right and wrong ones."""

from urllib.parse import urlencode

import numpy as np
import pytest

from pipeline.emulator.wms import LandUseService
from pipeline.sources.wms_answers import read_image

SERVICE = LandUseService(7)
MAP = {
    "service": "WMS", "version": "1.3.0", "request": "GetMap", "layers": "osmlanduse:osm_lulc", "styles": "",
    "crs": "EPSG:4326", "bbox": "48.1,11.5,48.105,11.508", "width": "60", "height": "50", "format": "image/png",
    "transparent": "TRUE",
}  # fmt: skip


def ask(**changed: str) -> bytes:
    reply = SERVICE(urlencode({**MAP, **changed}), "http://here/wms")
    assert reply.status == 200
    return reply.body


def test_both_versions_draw_the_same_map() -> None:
    newer = read_image(ask(), (60, 50), "here")
    older = read_image(ask(version="1.1.1", srs="EPSG:4326", crs="", bbox="11.5,48.1,11.508,48.105"), (60, 50), "here")
    np.testing.assert_array_equal(newer, older)
    assert len(np.unique(newer.reshape(-1, 4), axis=0)) > 3


def test_parameters_go_by_name_in_any_case() -> None:
    assert SERVICE(urlencode({name.upper(): value for name, value in MAP.items()}), "u").body == ask()


def test_who_wants_a_jpeg_gets_one() -> None:
    assert ask(format="image/jpeg").startswith(b"\xff\xd8")


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        ({"layers": "roads"}, "LayerNotDefined", "the layer 'roads' is not known"),
        ({"styles": "night"}, "StyleNotDefined", "night"),
        ({"format": "image/gif"}, "InvalidFormat", "image/gif"),
        ({"crs": "EPSG:2056"}, "InvalidCRS", "EPSG:2056"),
        ({"version": "1.1.1"}, "InvalidSRS", "is not offered"),
        ({"bbox": "1,2,3"}, "", "four edges"),
        ({"bbox": "48.2,11.5,48.1,11.6"}, "", "the smaller ones first"),
        ({"bbox": "a,b,c,d"}, "", "must be numbers"),
        ({"width": "2049"}, "", "1..2048"),
        ({"bbox": "40,0,60,20"}, "", "too coarse"),
        ({"request": "GetFeatureInfo"}, "OperationNotSupported", "GetFeatureInfo"),
        ({"request": "GetLegendGraphic", "layer": "x"}, "LayerNotDefined", "the layer 'x' is not known"),
    ],
)
def test_a_wrong_request_is_answered_with_a_report(changed: dict[str, str], code: str, said: str) -> None:
    body = ask(**changed).decode()
    assert "<ServiceExceptionReport" in body
    assert said in body
    assert (f'code="{code}"' in body) == bool(code)
