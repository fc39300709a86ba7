"""What a data set cannot be relied on for, how it is skewed, and what it is for; by kind, with its own figures."""

from collections.abc import Mapping
from typing import Any, Final

from pipeline.manifest.described import Described, Kind
from pipeline.manifest.documents.kinds import EMULATED, is_emulated, is_imported, is_unlabelled
from pipeline.manifest.documents.measured import measured_labels

_TOP_OF_ATMOSPHERE: Final = (
    "Sentinel-2 is Level-1C, reflectance at the top of the atmosphere: haze, aerosol and thin cirrus are in the "
    "pixels, and models trained here expect no Level-2A."
)
_BASELINE: Final = (
    "The offset of processing baselines from 04.00 on is removed from Sentinel-2; the index has each scene's baseline."
)
_NOT_TOLD: Final = (
    "What the files do not tell is not known: scene ids, times, cloud, processing baseline, and the time between radar "
    "and optical image. The index has null there."
)
_RESAMPLED: Final = (
    "Bands of 20 m and 60 m are resampled to 10 m: finer pixels, not finer detail. Sentinel-1 is ground-range detected "
    "backscatter in dB without terrain flattening; slopes facing the radar are bright, and speckle is not filtered."
)
_DW_CONFUSION: Final = (
    "Dynamic World is best in temperate and wooded biomes; in arid shrubland and rangeland it confuses crops with "
    "shrub & scrub most of all (World Resources Institute, datasets.wri.org/datasets/dynamic-world). It reads one "
    "image at a time, so classes that only a year tells, such as crops, and bright ground, such as sand, are uncertain "
    "(its page in the Earth Engine catalogue). Its errors follow the image and so are alike from place to place: noise "
    "that depends on class and ground, not noise at random."
)
_DW_SMOOTH: Final = (
    "Dynamic World was trained on polygons of at least 5 x 5 pixels and looks at neighbourhoods (Brown et al. 2022, "
    "doi 10.1038/s41597-022-01307-4): objects of a few pixels and borders between classes are the least reliable."
)
_DW_CLOUD: Final = (
    "Dynamic World exists only for scenes of at most 35 % cloud and is masked at clouds and their shadows; such pixels "
    "are 255, no label, and never a class. Clouds that its mask missed are mostly called snow & ice, and shadows water "
    "(World Resources Institute, as above)."
)

_NOISY_LABELS: Final = (
    "The labels are a model's output, about 70 % right over all classes (Brown et al. 2022), and uncorrected: do "
    "not estimate areas from them, and do not test on them.",
    _DW_CONFUSION,
    _DW_SMOOTH,
    _DW_CLOUD,
)
_FOUR_SEASONS: Final = (
    "Four seasons of about a year: no trend, and no full cycle of crops. A season may come from a year earlier "
    "than the others where no clear scene was found; the index has every date.",
    _TOP_OF_ATMOSPHERE,
    _RESAMPLED,
    "Images are clipped to mean +- some standard deviations and stored in 256 levels: bright snow, cloud, sun "
    "glint and deep shadow are cut off, and radiometry finer than a level is lost.",
)

_LIMITS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "pretraining": (*_NOISY_LABELS, *_FOUR_SEASONS),
    "dw": (
        "Experts marked only what they were sure of: hard ground has no label, so a score here is a score on easy "
        "ground.",
        "Training tiles have one annotation each; on test tiles at least two of three experts agree. Scores on the two "
        "splits are not comparable.",
        "The label belongs to the day in the tile's id. Sentinel-1 and, where it had to be replaced, Sentinel-2 were "
        "taken days apart from it: fields may be mown, flooded or under snow in one and not in the other.",
        "Tiles differ in size and were not resampled; those that are smaller than the array have borders without data.",
        _TOP_OF_ATMOSPHERE,
        _RESAMPLED,
    ),
    "osm": (
        "Land use is what ground is for, not what covers it: a park's pond may be park, a cleared forest still forest.",
        "OpenStreetMap is undated: the map may be years older or younger than the images.",
        "The labels were brought from a drawn map's own grid onto that of the tiles: borders are uncertain by a pixel "
        "or more, narrow roads and rivers are broken.",
        "Tiles were kept where OpenStreetMap does not contradict the experts' labels: that agreement was the filter, "
        "so it is no measure of quality of what is left.",
        "Test tiles may have been corrected by hand while training tiles were not.",
        _TOP_OF_ATMOSPHERE,
        _RESAMPLED,
    ),
    "dfc2020": (
        "The labels were made half by hand; how sure they are at a pixel is not told.",
        "The legend is a simplified IGBP of ten classes, of which savanna and snow and ice do not occur. Its numbers "
        "here are those of the classes of Dynamic World that they come nearest to; they do not mean quite the same.",
        "Patches overlap and come from few places, so neighbouring patches are not independent.",
        _TOP_OF_ATMOSPHERE,
    ),
}

_UNLABELLED_LIMITS: Final = ("There are no labels.", *_FOUR_SEASONS)

_OSM_TABLES: Final = "`agreement.parquet` says how far the map agrees, `inspection.parquet` what was done by hand."

_LITTLE_CLOUD: Final = (
    "Only scenes with little cloud were taken: clear sky is over-represented, and the seasons and places that have it."
)
_CLOUD_FREE: Final = (
    "Only scenes with little cloud were taken, and only places with a clear scene in every season: the wet tropics, "
    "monsoon months, polar winter and coasts under stratus are rarer than on Earth, and clear sky itself is "
    "over-represented."
)

_BIASES: Final[Mapping[Kind, tuple[str, ...]]] = {
    "pretraining": (_CLOUD_FREE,),
    "dw": (
        "Places were chosen by Dynamic World's makers, stratified by hemisphere and biome so that rare classes are "
        "there: class frequencies are not those of the Earth.",
        _LITTLE_CLOUD,
        "What a person can tell on a Sentinel-2 image at 10 m decides what is marked: large, homogeneous ground.",
    ),
    "osm": (
        "OpenStreetMap is complete where many people map: Europe, North America and cities. Elsewhere an empty map "
        "does not mean empty ground.",
        "Who maps decides what is mapped, and how: tags differ between countries.",
        _LITTLE_CLOUD,
    ),
    "dfc2020": (
        "A few regions around the world, chosen by the contest's makers; class frequencies are not the Earth's.",
    ),
}

_CITIES: Final = (
    "Locations lie around populated cities, within some {sigma:g} km (Gaussian) of one of the {cities:,} most "
    "populated: built area, crops and roads are far more frequent than on Earth; deserts, boreal and tropical "
    "forest, high mountains, ice and the open sea hardly occur. Countries with many cities weigh more."
)
_AROUND: Final = (
    "Locations lie around {names}, within some {sigma:g} km (Gaussian): nothing of other places is represented, and "
    "built area is more frequent than in the country around."
)
_OF_SSL4EO: Final = " Locations are those of SSL4EO-S12 (Wang et al. 2023, doi 10.1109/MGRS.2023.3281651)."
_PLACES: Final = {
    "uniform": "Locations were drawn evenly over given polygons: what lies outside of them is not represented.",
    "grid": "Locations fill given polygons side by side: what lies outside of them is not represented.",
}
_LISTED: Final = "Locations were given as a list; however that was drawn decides what is represented."

_USES: Final[Mapping[Kind, tuple[str, ...]]] = {
    "pretraining": (
        "Pretraining of encoders and segmentation networks on radar and optical images under label noise",
        "Research on learning with noisy labels, across sensors and seasons",
        "Not for area estimates, change statistics, or as a test set",
    ),
    "dw": (
        "Fine-tuning and testing of land-cover segmentation at 10 m",
        "Not for area estimates: only sure ground is labelled",
    ),
    "osm": (
        "Fine-tuning and testing of land-use segmentation at 10 m, on classes that pretraining did not have",
        "Not as a map of land use: tiles were chosen by agreement",
    ),
    "dfc2020": ("Fine-tuning and testing of land-cover segmentation at 10 m with dense labels",),
}
_UNLABELLED_USES: Final = ("Self-supervised pretraining on radar and optical images over seasons",)
_EMULATED_USES: Final = (
    "Trying out, testing and teaching the software, offline",
    "Not for any statement about the Earth: neither for training models to be used nor for reporting scores",
)


def limitations(described: Described) -> tuple[str, ...]:
    """What the data set cannot be relied on for, its own figures among it."""
    emulated = (EMULATED + " What is said below of satellites and of Dynamic World holds for what it imitates.",)
    known = _UNLABELLED_LIMITS if is_unlabelled(described) else _LIMITS[described.kind]
    found = (*known, *_known_of_scenes(described), *_time_gap(described), *measured_labels(described))
    return (*emulated, *found) if is_emulated(described) else found


def _known_of_scenes(described: Described) -> tuple[str, ...]:
    if is_imported(described) and described.kind != "pretraining":
        return (_NOT_TOLD,)
    return (_BASELINE, _OSM_TABLES) if described.kind == "osm" else (_BASELINE,)


def biases(described: Described) -> tuple[str, ...]:
    """How the data set is skewed."""
    return (*_sampling(described), *_BIASES[described.kind])


def use_cases(described: Described) -> tuple[str, ...]:
    """What the data set is for, and what it is not for."""
    if is_emulated(described):
        return _EMULATED_USES
    return _UNLABELLED_USES if is_unlabelled(described) else _USES[described.kind]


def sampling_of(described: Described) -> str:
    """How places were chosen, one sentence or two; empty where the recipe does not say."""
    return " ".join(_sampling(described))


def _sampling(described: Described) -> tuple[str, ...]:
    sample: dict[str, Any] = dict(described.provenance.get("recipe", {}).get("sample") or {})
    if described.kind != "pretraining":
        return ()
    if is_imported(described):
        return (_CITIES.format(sigma=50.0, cities=10000) + _OF_SSL4EO,)
    if not sample:
        return ()
    if sample.get("from"):
        return (_LISTED,)
    place = str(sample.get("place", "cities"))
    if place in _PLACES:
        return (_PLACES[place],)
    if sample.get("around"):
        return (_AROUND.format(names="; ".join(sample["around"]), sigma=sample.get("sigma_km", 50.0)),)
    return (_CITIES.format(sigma=sample.get("sigma_km", 50.0), cities=sample.get("cities", 10000)),)


def _time_gap(described: Described) -> tuple[str, ...]:
    recipe: dict[str, Any] = dict(described.provenance.get("recipe", {}))
    pair: dict[str, Any] = dict(recipe.get("pair") or {})
    if pair:
        return (
            f"Sentinel-2 lies within {pair['s2_days']:g} days and Sentinel-1 within {pair['s1_days']:g} days of the "
            "label's day; the two show the same ground on different days.",
        )
    seasons: dict[str, Any] = dict(recipe.get("seasons") or {})
    if not seasons:
        return ()
    days = seasons.get("s1_tolerance_days") or 2 * seasons.get("window_days", 30)
    return (
        f"Sentinel-1 and Sentinel-2 of a season were taken up to {days:g} days apart; rain, harvest, flood or snow may "
        "lie between. The labels belong to the Sentinel-2 scene.",
    )
