"""What the map service says about itself, in XML and JSON, in the words of both versions."""

import json
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from pipeline.schema.landcover import OSM_CLASSES

LAYER: Final = "osmlanduse:osm_lulc"
SYSTEMS: Final = ("EPSG:3857", "EPSG:4326")
FORMATS: Final = ("image/png", "image/jpeg")
LEGEND_FORMATS: Final = ("image/png", "application/json")
MAX_PX: Final = 2048
"""Longest side of a map, pixels."""

TITLE: Final = "Land use of the emulated planet"

_HREF: Final = '<OnlineResource xmlns:xlink="http://www.w3.org/1999/xlink" xlink:type="simple" xlink:href=%s/>'


def capabilities(version: str, url: str) -> bytes:
    """The capabilities document of version 1.1.1 (OGC 01-068r3, 7.1) or 1.3.0 (OGC 06-042, 7.2)."""
    newer = version == "1.3.0"
    root = ("WMS_Capabilities", ' xmlns="http://www.opengis.net/wms"') if newer else ("WMT_MS_Capabilities", "")
    limits = f"<MaxWidth>{MAX_PX}</MaxWidth><MaxHeight>{MAX_PX}</MaxHeight>" if newer else ""
    kind = "text/xml" if newer else "application/vnd.ogc.wms_xml"
    operations = "".join(
        f"<{name}>{_formats(formats)}<DCPType><HTTP><Get>{_HREF % quoteattr(url + '?')}</Get></HTTP></DCPType></{name}>"
        for name, formats in (("GetCapabilities", (kind,)), ("GetMap", FORMATS), ("GetLegendGraphic", LEGEND_FORMATS))
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><{root[0]}{root[1]} version="{version}">'
        f"<Service><Name>{'WMS' if newer else 'OGC:WMS'}</Name><Title>{TITLE}</Title>"
        f"{_HREF % quoteattr(url)}{limits}</Service>"
        f"<Capability><Request>{operations}</Request><Exception><Format>XML</Format></Exception>"
        f"<Layer><Title>{TITLE}</Title>{_systems(newer)}{_box(newer)}{_layer(url)}</Layer></Capability></{root[0]}>"
    ).encode()


def exception(version: str, code: str, message: str) -> bytes:
    """A service exception report (OGC 06-042, annex E.2)."""
    space = ' xmlns="http://www.opengis.net/ogc"' if version == "1.3.0" else ""
    named = f" code={quoteattr(code)}" if code else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><ServiceExceptionReport version="{version}"{space}>'
        f"<ServiceException{named}>{escape(message)}</ServiceException></ServiceExceptionReport>"
    ).encode()


def legend_json() -> bytes:
    """The legend in the JSON of GeoServer (its manual, GetLegendGraphic, 'JSON Output Format')."""
    rules = [
        {
            "name": entry.name.capitalize(),
            "filter": f"[lulc = '{entry.code}']",
            "symbolizers": [{"Polygon": {"fill": entry.colour.upper(), "fill-opacity": "1.0"}}],
        }
        for entry in OSM_CLASSES
    ]
    return json.dumps({"Legend": [{"layerName": LAYER.partition(":")[2], "title": TITLE, "rules": rules}]}).encode()


def _formats(names: tuple[str, ...]) -> str:
    return "".join(f"<Format>{name}</Format>" for name in names)


def _systems(newer: bool) -> str:
    name = "CRS" if newer else "SRS"
    return "".join(f"<{name}>{system}</{name}>" for system in SYSTEMS)


def _box(newer: bool) -> str:
    if not newer:
        return '<LatLonBoundingBox minx="-180" miny="-85" maxx="180" maxy="85"/>'
    edges = {"westBoundLongitude": -180, "eastBoundLongitude": 180, "southBoundLatitude": -85, "northBoundLatitude": 85}
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in edges.items())
    return f"<EX_GeographicBoundingBox>{inner}</EX_GeographicBoundingBox>"


def _layer(url: str) -> str:
    legend = f"{url}?service=WMS&request=GetLegendGraphic&version=1.1.1&format=image%2Fpng&layer={LAYER}"
    return (
        f'<Layer queryable="0"><Name>{LAYER}</Name><Title>OSM land use</Title><Style><Name>default</Name>'
        f'<Title>default</Title><LegendURL width="330" height="330"><Format>image/png</Format>'
        f"{_HREF % quoteattr(legend)}</LegendURL></Style></Layer>"
    )
