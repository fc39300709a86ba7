"""Whose the data are: the licence of a data set, the sources' terms, and LICENSES.md."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.manifest.described import Described
from pipeline.manifest.documents.kinds import EMULATED, is_emulated, is_unlabelled, title_of
from pipeline.schema.errors import UsageError
from pipeline.schema.release import LicenceId


@dataclass(frozen=True)
class Licence:
    """A licence under its several names."""

    name: str
    spdx: str
    """Identifier in the SPDX list."""
    url: str
    hub: str
    """The Hugging Face Hub's word for it."""


_CC: Final = "https://creativecommons.org"
_ODC: Final = "https://opendatacommons.org/licenses"

LICENCES: Final[Mapping[LicenceId, Licence]] = {
    "CC0-1.0": Licence("Creative Commons Zero 1.0 Universal", "CC0-1.0", f"{_CC}/publicdomain/zero/1.0/", "cc0-1.0"),
    "CC-BY-4.0": Licence(
        "Creative Commons Attribution 4.0 International", "CC-BY-4.0", f"{_CC}/licenses/by/4.0/", "cc-by-4.0"
    ),
    "CC-BY-SA-4.0": Licence(
        "Creative Commons Attribution-ShareAlike 4.0 International",
        "CC-BY-SA-4.0",
        f"{_CC}/licenses/by-sa/4.0/",
        "cc-by-sa-4.0",
    ),
    "CC-BY-NC-4.0": Licence(
        "Creative Commons Attribution-NonCommercial 4.0 International",
        "CC-BY-NC-4.0",
        f"{_CC}/licenses/by-nc/4.0/",
        "cc-by-nc-4.0",
    ),
    "CC-BY-NC-SA-4.0": Licence(
        "Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International",
        "CC-BY-NC-SA-4.0",
        f"{_CC}/licenses/by-nc-sa/4.0/",
        "cc-by-nc-sa-4.0",
    ),
    "ODbL-1.0": Licence("Open Data Commons Open Database License 1.0", "ODbL-1.0", f"{_ODC}/odbl/1-0/", "odbl"),
    "ODC-By-1.0": Licence("Open Data Commons Attribution License 1.0", "ODC-By-1.0", f"{_ODC}/by/1-0/", "odc-by"),
    "PDDL-1.0": Licence(
        "Open Data Commons Public Domain Dedication and License 1.0", "PDDL-1.0", f"{_ODC}/pddl/1-0/", "pddl"
    ),
}
"""By SPDX identifier."""
CC_BY: Final = LICENCES["CC-BY-4.0"]
ODBL: Final = LICENCES["ODbL-1.0"]


@dataclass(frozen=True)
class Source:
    """One thing that a data set was made from, and its terms."""

    name: str
    uri: str
    holds: str
    """What of the data set comes from it."""
    terms: str
    attribution: str
    """The words that the terms ask for."""
    reference: str = ""
    """The publication to cite, if any."""


_COPERNICUS: Final = Source(
    name="Copernicus Sentinel-1 GRD and Sentinel-2 L1C",
    uri="https://sentinels.copernicus.eu/documents/247904/690755/Sentinel_Data_Legal_Notice",
    holds="the arrays `s1` and `s2`",
    terms="Legal notice on the use of Copernicus Sentinel Data and Service Information (Regulation (EU) No 377/2014, "
    "Commission Delegated Regulation (EU) No 1159/2013): free, full and open access to reproduce, distribute, adapt "
    "and combine, without any warranty. Whoever passes the data on must name the source, must say where they were "
    "modified, and must not suggest that the Union endorses what they do.",
    attribution="Contains modified Copernicus Sentinel data {years}.",
)
_GOOGLE: Final = (
    "This dataset is produced for the Dynamic World Project by Google in partnership with National Geographic Society "
    "and the World Resources Institute."
)
_DYNAMIC_WORLD: Final = Source(
    name="Dynamic World V1",
    uri="https://developers.google.com/earth-engine/datasets/catalog/GOOGLE_DYNAMICWORLD_V1",
    holds="the array `dw`",
    terms="Creative Commons Attribution 4.0 International (CC BY 4.0).",
    attribution=_GOOGLE,
    reference="Brown, C. F. et al. (2022): Dynamic World, near real-time global 10 m land use land cover mapping. "
    "Scientific Data 9, 251. doi:10.1038/s41597-022-01307-4",
)
_EXPERTS: Final = Source(
    name="Dynamic World training data and hold-out tiles",
    uri="https://doi.org/10.1594/PANGAEA.933475",
    holds="the array `dw`, marked by experts",
    terms="Creative Commons Attribution 4.0 International (CC BY 4.0).",
    attribution=_GOOGLE,
    reference="Tait, A. M. et al. (2021): Dynamic World training dataset for global land use and land cover "
    "categorization of satellite imagery. PANGAEA. doi:10.1594/PANGAEA.933475; hold-out tiles: Zenodo, record 4766508",
)
_OSM: Final = Source(
    name="OpenStreetMap land use by osmlanduse.org",
    uri="https://osmlanduse.org/",
    holds="the array `osm`",
    terms="Open Data Commons Open Database License 1.0 (ODbL): a database derived from it that is used publicly is to "
    "keep that licence, and to be offered.",
    attribution="(c) OpenStreetMap contributors, https://www.openstreetmap.org/copyright; classified by "
    "osmlanduse.org.",
    reference="Schultz, M. et al. (2017): Open land cover from OpenStreetMap and remote sensing. International Journal "
    "of Applied Earth Observation and Geoinformation 63, 206-213. doi:10.1016/j.jag.2017.07.014",
)
_DFC: Final = Source(
    name="2020 IEEE GRSS Data Fusion Contest (DFC2020)",
    uri="https://doi.org/10.21227/rha7-m332",
    holds="the array `dfc`, and the cut of the images",
    terms="Creative Commons Attribution, as stated on IEEE DataPort.",
    attribution="M. Schmitt, L. Hughes, P. Ghamisi, N. Yokoya, R. Haensch: 2020 IEEE GRSS Data Fusion Contest.",
    reference="Schmitt, M. et al. (2019): 2020 IEEE GRSS Data Fusion Contest. IEEE DataPort. doi:10.21227/rha7-m332",
)
_GEONAMES: Final = Source(
    name="GeoNames",
    uri="https://www.geonames.org/",
    holds="the cities around which locations were drawn",
    terms="Creative Commons Attribution 4.0 International (CC BY 4.0).",
    attribution="Cities from GeoNames (geonames.org).",
)
_SSL4EO: Final = Source(
    name="SSL4EO-S12",
    uri="https://doi.org/10.1109/MGRS.2023.3281651",
    holds="the images, as files that others had fetched",
    terms="Creative Commons Attribution 4.0 International (CC BY 4.0).",
    attribution="SSL4EO-S12 (Wang et al. 2023).",
    reference="Wang, Y. et al. (2023): SSL4EO-S12, a large-scale multimodal, multitemporal dataset for self-supervised "
    "learning in Earth observation. IEEE Geoscience and Remote Sensing Magazine 11(3). doi:10.1109/MGRS.2023.3281651",
)
_NOLDO: Final = Source(
    name="NoLDO-S12",
    uri="https://huggingface.co/datasets/vikki23/NoLDO-S12",
    holds="files of images or labels that others had made",
    terms="MIT licence, as stated on its page at the Hugging Face Hub.",
    attribution="NoLDO-S12 (Liu, C., Albrecht, C. M., Wang, Y., Zhu, X. X.).",
    reference="Liu, C. et al. (2025): CromSS, cross-modal pretraining with noisy labels for remote sensing image "
    "segmentation. IEEE Transactions on Geoscience and Remote Sensing. arXiv:2405.01217",
)

_LABELS: Final = {
    "pretraining": (_DYNAMIC_WORLD,),
    "dw": (_EXPERTS,),
    "osm": (_OSM, _EXPERTS),
    "dfc2020": (_DFC,),
}


def licence_of(described: Described) -> Licence:
    """The licence of the compilation: OpenStreetMap's, where that is part of it, or else the one that was chosen.

    Raises UsageError where another was chosen for what is derived from OpenStreetMap.
    """
    chosen = described.release.licence
    if not _is_open_street_map(described):
        return LICENCES[chosen] if chosen else CC_BY
    if chosen not in (None, ODBL.spdx):
        raise UsageError(
            f"release.licence is {chosen}, but what is derived from OpenStreetMap has to keep {ODBL.spdx}; "
            f"run noldo manifest write DIR --set release.licence={ODBL.spdx}"
        )
    return ODBL


def _is_open_street_map(described: Described) -> bool:
    return described.kind == "osm" and not is_emulated(described)


def sources_of(described: Described) -> tuple[Source, ...]:
    """What the data set was made from; of an emulated one only what places were drawn around."""
    source: dict[str, Any] = dict(described.provenance.get("source") or {})
    sample: dict[str, Any] = dict(described.provenance.get("recipe", {}).get("sample") or {})
    places = (_GEONAMES,) if sample.get("place") == "cities" and not sample.get("from") else ()
    if is_emulated(described):
        return places
    labels = () if is_unlabelled(described) else _LABELS[described.kind]
    return (_COPERNICUS, *labels, *_imported(source), *places)


def _imported(source: Mapping[str, Any]) -> tuple[Source, ...]:
    """Whose files were imported: a pretraining set's by edition, with labels of NoLDO-S12; those of tiles by layout."""
    images = (_SSL4EO,) if str(source.get("edition", "")).startswith("ssl4eo") else ()
    from_noldo = source.get("labels") is not None or str(source.get("layout", "")).startswith("noldo")
    return (*images, _NOLDO) if source.get("kind") == "import" and from_noldo else images


def attributions(described: Described) -> tuple[str, ...]:
    """The words that whoever passes the data set on has to pass on with it."""
    return tuple(source.attribution.format(years=_years(described)) for source in sources_of(described))


def _years(described: Described) -> str:
    first, last = described.extent.first, described.extent.last
    if first is None or last is None:
        return "(years of acquisition not known)"
    return f"{first.year}" if first.year == last.year else f"{first.year}-{last.year}"


def licences_text(described: Described) -> str:
    """LICENSES.md."""
    return "\n".join(_lines(described))


def _lines(described: Described) -> Iterator[str]:
    licence = licence_of(described)
    yield f"# Licences of {title_of(described)}, version {described.release.version}"
    yield ""
    if is_emulated(described):
        yield EMULATED
        yield ""
    yield "## This compilation"
    yield ""
    yield f"{licence.name} ({licence.spdx}), {licence.url}: the selection and arrangement, the index, the statistics,"
    yield "the digests and the documents, as far as there are rights in them. Name the makers as in `CITATION.cff`, say"
    yield "what you changed, and pass on the attributions below."
    if _is_open_street_map(described):
        yield ""
        yield "That licence is OpenStreetMap's: `osm`, and what is derived from it, must keep it. The other arrays are"
        yield "independent of it and keep the terms of their own sources, under which they may be used by themselves."
    yield ""
    yield "The software that made the data set has a licence of its own."
    yield ""
    yield "## What it was made from"
    yield ""
    if not sources_of(described):
        yield "Nothing that is anybody else's."
        yield ""
    for source in sources_of(described):
        yield f"### {source.name}"
        yield ""
        yield f"- In this data set: {source.holds}"
        yield f"- Terms: {source.terms}"
        yield f"- Attribution: {source.attribution.format(years=_years(described))}"
        if source.reference:
            yield f"- Cite: {source.reference}"
        yield f"- {source.uri}"
        yield ""
    yield "## No warranty"
    yield ""
    yield "The data come as they are, without any warranty, fitness for a purpose included. Nobody named here endorses"
    yield "what is done with them."
    yield ""
