"""Capabilities of both versions, and services that do not offer what is wanted."""

import pytest

from pipeline.emulator.wms_documents import LAYER, capabilities, exception
from pipeline.schema.errors import FailureKind, SourceError, UsageError
from pipeline.sources.wms_capabilities import JSON, PNG, read_offer
from pipeline.sources.wms_settings import WmsSettings

URL = "http://127.0.0.1:9/wms"


def settings(version: str = "1.3.0", **changed: object) -> WmsSettings:
    return WmsSettings.model_validate({"version": version, **changed})


@pytest.mark.parametrize("version", ["1.1.1", "1.3.0"])
@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:4326"])
def test_both_versions_are_understood(version: str, crs: str) -> None:
    offer = read_offer(capabilities(version, URL), settings(version, crs=crs, max_px=3000), URL)
    assert offer.legend_format == JSON
    assert offer.legend_url is not None
    assert offer.legend_url.startswith(f"{URL}?service=WMS&request=GetLegendGraphic")
    assert offer.max_px == (2048 if version == "1.3.0" else 3000)


def test_a_service_that_tells_its_legend_as_a_picture_only() -> None:
    body = capabilities("1.3.0", URL).replace(b"<Format>application/json</Format>", b"")
    assert read_offer(body, settings(), URL).legend_format == PNG


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"layer": "osmlanduse:other"}, f"has no layer 'osmlanduse:other'; it has {LAYER}"),
        ({"style": "night"}, "does not offer the layer's style night; it offers default"),
        ({"format": "image/png; mode=24bit"}, "does not offer the format image/png; mode=24bit; it offers image/png"),
    ],
)
def test_what_is_not_offered_is_refused(changed: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_offer(capabilities("1.3.0", URL), settings(**changed), URL)


def test_a_coordinate_system_that_is_not_offered_is_refused() -> None:
    body = capabilities("1.1.1", URL).replace(b"<SRS>EPSG:3857</SRS>", b"")
    with pytest.raises(UsageError, match="coordinate system EPSG:3857; it offers EPSG:4326"):
        read_offer(body, settings("1.1.1"), URL)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html><title>Gone fishing</title></html>", "an HTML page 'Gone fishing'"),
        (exception("1.3.0", "", "overloaded"), "the service says 'overloaded'"),
        (capabilities("1.3.0", URL)[:900], "begins"),
        (capabilities("1.1.1", URL), "of version 1.3.0"),
        (b"", "an empty answer"),
    ],
)
def test_another_document_is_told_in_a_plain_line(body: bytes, said: str) -> None:
    with pytest.raises(SourceError) as told:
        read_offer(body, settings(), URL)
    assert said in str(told.value)
    assert told.value.kind is FailureKind.TRANSIENT
