"""What GeoCroissant 1.0 and schema.org say of where, when and in which bands a data set sees."""

from typing import Any, Final

from pipeline.manifest.described import Described, Extent
from pipeline.manifest.documents.kinds import BANDS
from pipeline.manifest.documents.limitations import biases, sampling_of
from pipeline.manifest.documents.stamps import utc_text
from pipeline.schema.grid import PIXEL_M

WAVELENGTHS_NM: Final = {
    "B1": (442.7, 21.0),
    "B2": (492.4, 66.0),
    "B3": (559.8, 36.0),
    "B4": (664.6, 31.0),
    "B5": (704.1, 15.0),
    "B6": (740.5, 15.0),
    "B7": (782.8, 20.0),
    "B8": (832.8, 106.0),
    "B8A": (864.7, 21.0),
    "B9": (945.1, 20.0),
    "B10": (1373.5, 31.0),
    "B11": (1613.7, 91.0),
    "B12": (2202.4, 175.0),
}
"""Central wavelength and bandwidth of Sentinel-2A's bands, nm (Sentinel-2 MSI User Guide, spectral resolution); those
of the other satellites differ by a few nm."""

PER_ROW_CRS: Final = "a UTM zone a row: columns epsg and geotransform of index.parquet"


def geo_properties(described: Described) -> dict[str, Any]:
    """The properties of the data set; those that the index does not tell are left out."""
    extent = described.extent
    found: dict[str, Any] = {}
    if extent.bbox is not None:
        found["spatialCoverage"] = {"@type": "Place", "geo": {"@type": "GeoShape", "box": box_text(extent.bbox)}}
    if extent.first is not None and extent.last is not None:
        found["temporalCoverage"] = coverage_text(extent)
    found["geocr:coordinateReferenceSystem"] = crs_text(extent.epsg)
    found["geocr:spatialResolution"] = _quantity(PIXEL_M, "m")
    found["geocr:bandConfiguration"] = {
        "@type": "geocr:BandConfiguration",
        "geocr:totalBands": len(BANDS),
        "geocr:bandNameList": list(BANDS),
    }
    found["geocr:spectralBandMetadata"] = [
        {
            "@type": "geocr:SpectralBand",
            "name": band,
            "geocr:centerWavelength": _quantity(centre, "nm"),
            "geocr:bandwidth": _quantity(width, "nm"),
        }
        for band, (centre, width) in WAVELENGTHS_NM.items()
    ]
    found["geocr:spatialBias"] = " ".join(biases(described))
    if sampling := sampling_of(described):
        found["geocr:samplingStrategy"] = sampling
    return found


def box_text(bbox: tuple[float, float, float, float]) -> str:
    """A box as schema.org's GeoShape has it: south west north east."""
    west, south, east, north = bbox
    return " ".join(repr(float(value)) for value in (south, west, north, east))


def coverage_text(extent: Extent) -> str:
    """An interval in ISO 8601."""
    assert extent.first is not None
    assert extent.last is not None
    return f"{utc_text(extent.first)}/{utc_text(extent.last)}"


def crs_text(epsg: tuple[int, ...]) -> str:
    """The one system, or where each row's is found."""
    return f"EPSG:{epsg[0]}" if len(epsg) == 1 else PER_ROW_CRS


def _quantity(value: float, unit: str) -> dict[str, Any]:
    return {"@type": "QuantitativeValue", "value": value, "unitText": unit}
