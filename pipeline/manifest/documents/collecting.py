"""How a data set was collected, labelled and prepared: the Responsible AI part of its description, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipeline.manifest.described import Described, Kind
from pipeline.manifest.documents.kinds import EMULATED, is_emulated, is_imported, is_unlabelled
from pipeline.manifest.documents.limitations import sampling_of


@dataclass(frozen=True)
class Collecting:
    """What Croissant RAI asks of how data came about (specification 1.0)."""

    collection: str
    collection_type: str
    """One of the specification's words."""
    raw_data: str
    missing_data: str
    annotation: str
    annotations_per_item: str
    annotation_tools: tuple[str, ...]
    """Software that labelled; none where people did."""
    preprocessing: tuple[str, ...]
    maintenance: str
    personal: str
    social_impact: str


_COLLECTION: Final[Mapping[Kind, str]] = {
    "pretraining": "For every location and season one Sentinel-2 scene, the Dynamic World labels made from it and one "
    "Sentinel-1 scene were chosen by metadata, and cut to one grid of 10 m pixels in the location's UTM zone. A "
    "location is kept where all four seasons have all three and pass the checks of quality; `funnel.json` counts the "
    "others, `dropped.parquet` names them.",
    "dw": "For every tile that experts labelled, the Sentinel-1 and Sentinel-2 scenes nearest in time were chosen by "
    "metadata and fetched on the tile's own grid.",
    "osm": "For every tile of a data set of expert tiles, the land use that OpenStreetMap has there was read from a "
    "map service or from rasters, and held against the experts' labels.",
    "dfc2020": "The contest's GeoTIFFs were read, checked and written as Zarr; images are as they were, classes have "
    "other numbers.",
}
_TILES_IMPORTED: Final = (
    "Images and labels of tiles that others had made were read from their GeoTIFFs, checked and written as Zarr; "
    "images are as they were, classes have other numbers."
)
_IMPORTED: Final[Mapping[Kind, str]] = {
    "pretraining": "Images of four seasons were read from the files of SSL4EO-S12, checked, and brought onto one grid "
    "of 10 m pixels a location; labels, where there are any, are those that others had published for the same scenes. "
    "A location is kept where all four seasons are there and pass the checks of quality; `funnel.json` counts the "
    "others, `dropped.parquet` names them.",
    "dw": _TILES_IMPORTED,
    "osm": _TILES_IMPORTED,
    "dfc2020": _COLLECTION["dfc2020"],
}
_ANNOTATION: Final[Mapping[Kind, tuple[str, str, tuple[str, ...]]]] = {
    "pretraining": (
        "A fully convolutional network labelled every Sentinel-2 scene (Dynamic World V1, Brown et al. 2022); the most "
        "likely of nine classes a pixel, not corrected by anyone.",
        "1 (machine)",
        ("Dynamic World V1",),
    ),
    "dw": (
        "Experts and trained annotators marked polygons on Sentinel-2 images (Brown et al. 2022); what they did not "
        "mark has no label.",
        "1 on training tiles; 3 on test tiles, of which at least two agree",
        (),
    ),
    "osm": (
        "Volunteers mapped; osmlanduse.org translated their tags to 13 classes of land use (Schultz et al. 2017). "
        "Beside it the experts' labels of Dynamic World.",
        "1",
        ("osmlanduse.org",),
    ),
    "dfc2020": (
        "Semi-manual: made by the contest's makers at 10 m, and inspected.",
        "1",
        (),
    ),
}
_NO_LABELS: Final[tuple[str, str, tuple[str, ...]]] = ("None: there are no labels.", "0", ())
_NO_PEOPLE: Final = "None: at 10 m no person, vehicle or plate can be seen, and no name or address is held."
_IMPACT: Final = (
    "Maps made with such models steer money and control land. Models see best where labels are best, which is where "
    "cities and mappers are: what they say elsewhere is to be checked on the ground before anyone acts upon it."
)
_MAINTENANCE: Final = (
    "A release is never changed. A correction is a new version, semantically numbered; `noldo manifest diff` tells "
    "what differs between two, to the row."
)


def collecting_of(described: Described) -> Collecting:
    """The description for a data set, from its kind and its recipe."""
    annotation, per_item, tools = _NO_LABELS if is_unlabelled(described) else _ANNOTATION[described.kind]
    emulated, imported = is_emulated(described), is_imported(described)
    how = (_IMPORTED if imported else _COLLECTION)[described.kind]
    collection = f"{how} {sampling_of(described)}".strip()
    if emulated:
        annotation = f"{EMULATED} It imitates this: {annotation}"
        tools = ("the project's emulator",)
    return Collecting(
        collection=f"{EMULATED} It imitates this: {collection}" if emulated else collection,
        collection_type="Software Collection" if emulated else "Secondary Data analysis" if imported else "Web API",
        raw_data=str(described.provenance["data"]),
        missing_data="Pixels that were not observed hold the array's fill value, or in scaled arrays the scaled value "
        "of it; pixels without a label hold 255, never a class. Columns of the index are null where the source does "
        "not tell.",
        annotation=annotation,
        annotations_per_item=per_item,
        annotation_tools=tools,
        preprocessing=_preprocessing(described),
        maintenance=_MAINTENANCE,
        personal=_NO_PEOPLE,
        social_impact="None: it shows no place." if emulated else _IMPACT,
    )


def _preprocessing(described: Described) -> tuple[str, ...]:
    recipe: dict[str, Any] = dict(described.provenance.get("recipe", {}))
    export: dict[str, Any] = dict(recipe.get("export") or recipe.get("fetch") or {})
    steps = []
    if export:
        optical, radar = export.get("optical_resampling"), export.get("radar_resampling")
        steps.append(f"Resampling to the grid: optical {optical}, radar {radar}, labels nearest.")
    arrays = {array.name: array for store in described.stores for array in store.arrays}
    for name in ("s2", "s1"):
        scaling: dict[str, Any] = dict(arrays[name].attributes.get("scaling") or {}) if name in arrays else {}
        if scaling:
            steps.append(
                f"`{name}` is clipped to mean +- {scaling['clip_std']:g} standard deviations, by {scaling['source']} "
                "statistics, and stretched to 0..255."
            )
    steps.append("Rows stand in a seeded random order, so that every shard is a fair sample.")
    return tuple(steps)
