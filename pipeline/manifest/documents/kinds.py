"""What the kinds of data sets are, in words that every document shares."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipeline.manifest.described import Described, Kind
from pipeline.schema.bands import S1_BANDS, S2_BANDS


@dataclass(frozen=True)
class KindText:
    """One kind of data set."""

    title: str
    """Without a release's own."""
    summary: str
    """What it holds and is meant for; one paragraph."""
    labels: str
    """What the labels are, a sentence or two."""
    annotations: str
    """The Hub's word for who made the labels."""
    keywords: tuple[str, ...]
    files: str
    """What the manifest's own files hold, for the card."""


_COMMON: Final = ("earth observation", "remote sensing", "Sentinel-1", "Sentinel-2", "land cover", "segmentation")

_TILE_FILES: Final = (
    "Smaller tiles stand in the middle; what was added around them holds no data and no label, and the geotransform "
    "is that of the row as stored. `index.parquet` (GeoParquet) has a row a tile: scene ids, times, place, share of "
    "labels; `statistics.json` pixels a class and band statistics; `dropped.parquet` the tiles that are not here and "
    "why; `provenance.json` the recipe, the source and the versions."
)

TEXTS: Final[Mapping[Kind, KindText]] = {
    "pretraining": KindText(
        title="SSL4EO-S12@NoL: Sentinel-1, Sentinel-2 and noisy Dynamic World labels over four seasons",
        summary="Radar and optical images of the same ground in four seasons, each with the land cover that Dynamic "
        "World took it for. Meant for pretraining under label noise, not for measuring land cover.",
        labels="`dw` is Dynamic World's most likely class at the Sentinel-2 scene's own moment, as it comes: about 70 "
        "% right, not corrected.",
        annotations="machine-generated",
        keywords=(*_COMMON, "Dynamic World", "noisy labels", "pretraining", "multi-temporal"),
        files="Images are scaled to 0..255; mean, std and clip are in each array's `scaling` attribute. "
        "`index.parquet` (GeoParquet) has a row per location and season: scene ids, times, `epsg` and `geotransform` "
        "(a, b, c, d, e, f), so that x = a*col + b*row + c and y = d*col + e*row + f at the corner of a pixel. "
        "`statistics.json` has class histograms and band statistics, `provenance.json` the recipe, the source and the "
        "versions.",
    ),
    "dw": KindText(
        title="SSL4EO-S12@DW: Sentinel-1, Sentinel-2 and expert Dynamic World labels",
        summary="Radar and optical images of the tiles on which Dynamic World was trained and tested, with the "
        "experts' labels. Meant for transfer: training and testing on few, good labels.",
        labels="`dw` was marked by experts on the Sentinel-2 scene of the day in the tile's id. They left ambiguous "
        "ground unmarked: that, and cloud, is no label. No label was resampled.",
        annotations="expert-generated",
        keywords=(*_COMMON, "Dynamic World", "expert labels", "transfer learning"),
        files=_TILE_FILES,
    ),
    "osm": KindText(
        title="SSL4EO-S12@OSM: Sentinel-1, Sentinel-2 and OpenStreetMap land use",
        summary="Radar and optical images of Dynamic World's expert tiles with the land use that OpenStreetMap has "
        "there. Meant for transfer: to classes that the pretraining labels do not have.",
        labels="`osm` is OpenStreetMap's land use in the 13 classes of osmlanduse.org, on tiles where it does not "
        "contradict the experts' labels, `dw`. Land use is what ground is for, not what covers it; the map is undated.",
        annotations="crowdsourced",
        keywords=(*_COMMON, "OpenStreetMap", "land use", "transfer learning"),
        files=_TILE_FILES,
    ),
    "dfc2020": KindText(
        title="DFC2020: Sentinel-1, Sentinel-2 and land cover in 8 classes",
        summary="The validation and test patches of the 2020 IEEE GRSS Data Fusion Contest, as Zarr. Meant for "
        "transfer: dense labels of eight classes.",
        labels="`dfc` is the dense, semi-manual land cover of the 2020 IEEE GRSS Data Fusion Contest. Its 986 "
        "validation patches are the training split here, its 5,128 test patches the test split, as in CromSS.",
        annotations="expert-generated",
        keywords=(*_COMMON, "DFC2020", "transfer learning"),
        files=_TILE_FILES,
    ),
}

UNLABELLED: Final = KindText(
    title="SSL4EO-S12: Sentinel-1 and Sentinel-2 over four seasons, without labels",
    summary="Radar and optical images of the same ground in four seasons. Meant for pretraining without labels, or "
    "with labels of one's own.",
    labels="There were no labels beside the images: `dw` is 255, no label, everywhere.",
    annotations="no-annotation",
    keywords=(*_COMMON[:-2], "self-supervised learning", "pretraining", "multi-temporal"),
    files=TEXTS["pretraining"].files,
)
"""Images of the pretraining kind, imported without labels."""

EMULATED: Final = (
    "EMULATED: every pixel and label was computed on a seeded imaginary planet. It depicts no place on Earth and holds "
    "no satellite data."
)
"""What every document of an emulated data set says."""

EMULATED_KEYWORD: Final = "emulated"


def is_emulated(described: Described) -> bool:
    """Whether the data depict nothing."""
    return bool(described.provenance["emulated"])


def is_imported(described: Described) -> bool:
    """Whether the images come from files that others had made."""
    return dict(described.provenance.get("source") or {}).get("kind") == "import"


def is_unlabelled(described: Described) -> bool:
    """Whether the data set was imported without any labels."""
    return is_imported(described) and described.provenance["source"].get("labels", "") is None


def text_of(described: Described) -> KindText:
    """The words for a data set's kind."""
    return UNLABELLED if is_unlabelled(described) else TEXTS[described.kind]


def title_of(described: Described) -> str:
    """The data set's title; an emulated one's begins with that."""
    title = described.release.title or text_of(described).title
    return f"Emulated {title}" if is_emulated(described) and "emulated" not in title.lower() else title


def summary_of(described: Described) -> str:
    """What the data set is and holds, in one paragraph; an emulated one's says that first."""
    plain = plain_summary(described)
    return f"{EMULATED} {plain}" if is_emulated(described) else plain


def plain_summary(described: Described) -> str:
    """What the data set holds and is meant for, in one paragraph."""
    text = text_of(described)
    held = ", ".join(f"{store.rows:,} rows in {store.path}" for store in described.stores)
    size = f"{described.locations:,} locations x {described.seasons} season{'s' if described.seasons > 1 else ''}"
    return f"{text.summary} {text.labels} {size}; {held}; pixels of 10 m."


def keywords_of(described: Described) -> tuple[str, ...]:
    """Keywords of the kind and of the release, each once."""
    emulated = (EMULATED_KEYWORD,) if is_emulated(described) else ()
    return tuple(dict.fromkeys((*emulated, *text_of(described).keywords, *described.release.keywords)))


def dataset_digest(described: Described) -> str:
    """The content digest of store and index together, 'sha256:...'."""
    return str(described.provenance["content_digest"]["dataset"])


BANDS: Final = (*S2_BANDS, *S1_BANDS)
"""Every band of an image pair, in the order of s2 and s1."""
