"""A comparison of two data sets in lines for a person."""

from collections.abc import Iterator

from pipeline.manifest.drift import Drift
from pipeline.manifest.drift_index import SceneDrift, first_few
from pipeline.manifest.drift_pixels import BandDrift, LabelDrift
from pipeline.manifest.drift_release_lines import baseline_lines, column_lines, fact_lines, location_lines, row_lines
from pipeline.schema.dfc2020 import DFC_CLASSES
from pipeline.schema.landcover import DW_CLASSES, OSM_CLASSES

_NAMES = {
    array: {c.code: c.name for c in legend}
    for array, legend in (("dw", DW_CLASSES), ("osm", OSM_CLASSES), ("dfc", DFC_CLASSES))
}


def drift_lines(drift: Drift) -> list[str]:
    """The whole report; its last line says what differs."""
    return [
        f"ours       {drift.ours}",
        f"published  {drift.published}",
        *_id_lines(drift),
        *(_shared_lines(drift) if drift.ids.shared else ()),
        *(
            f"missing    {a.side}: {a.what}: {a.why}; {a.locations:,} shared, the first {a.example}"
            for a in drift.missing
        ),
        *fact_lines(drift),
        _verdict(drift),
    ]


def _id_lines(drift: Drift) -> Iterator[str]:
    ids = drift.ids
    yield f"ids        {ids.ours:,} ours, {ids.published:,} published, {ids.shared:,} in both"
    if ids.missing:
        yield f"           {len(ids.missing):,} published are not ours: {first_few(ids.missing)}"
    if ids.extra:
        yield f"           {len(ids.extra):,} of ours are not published: {first_few(ids.extra)}"
    if ids.other_split:
        yield f"           {len(ids.other_split):,} are in another split: {first_few(ids.other_split)}"


def _shared_lines(drift: Drift) -> Iterator[str]:
    yield from _scene_lines(drift.scenes)
    yield from baseline_lines(drift)
    yield from _grid_lines(drift)
    yield from column_lines(drift)
    yield from row_lines(drift)
    yield from _pixel_lines(drift)
    yield from location_lines(drift)


def _scene_lines(scenes: tuple[SceneDrift, ...]) -> Iterator[str]:
    if not scenes:
        yield "scenes     not compared: one side names none"
    for scene in scenes:
        found = scene.same + scene.other
        if not found + scene.only_ours + scene.only_published:
            continue
        more = f", {scene.other:,} other" if scene.other else ""
        more += f", {scene.only_ours:,} ours only" if scene.only_ours else ""
        more += f", {scene.only_published:,} published only" if scene.only_published else ""
        yield f"scenes     season {scene.season} {scene.sensor}: {scene.same:,} of {found:,} the same{more}"
        for location_id, ours, published in scene.examples[:1]:
            yield f"           {location_id}: ours {ours}, published {published}"


def _grid_lines(drift: Drift) -> Iterator[str]:
    grids = drift.grids
    words = {
        "on the same pixels": grids.same,
        "on the same pixels from another corner": grids.shifted,
        "on other pixels, so not compared": grids.moved,
        "not said by both": grids.unknown,
    }
    told = ", ".join(f"{many:,} {what}" for what, many in words.items() if many)
    if told:
        yield f"ground     {told}"


def _pixel_lines(drift: Drift) -> Iterator[str]:
    if not drift.labels and not drift.bands:
        if drift.rows is None or any(one.changed or one.unknown for one in drift.rows):
            yield "pixels     not compared: there are no two stores with pixels of the same ground"
        return
    yield f"pixels     of {drift.pixel_locations:,} locations"
    same = {label.array: label for label in drift.labels_same_scene}
    for label in drift.labels:
        yield from _label_lines(label, same.get(label.array))
    if drift.bands:
        yield from _band_lines(drift)


def _band_lines(drift: Drift) -> Iterator[str]:
    """A line a band, and beside it the share and RMS of where both name the same scene, if that is not all."""
    same = {(b.array, b.band, b.unit): b for b in drift.bands_same_scene}
    apart = 0 < sum(b.pixels for b in same.values()) < sum(b.pixels for b in drift.bands)
    heads = f"{'mean':>12}{'RMS':>12}{'largest':>12}" + (f"{'equal':>14}{'RMS':>12}" if apart else "")
    note = ", then where the scene is the same" if apart else ""
    yield f"           {'band':<8}{'pixels':>15}{'equal':>11}{heads}  of ours - published{note}"
    for band in drift.bands:
        yield _band_line(band, same.get((band.array, band.band, band.unit)) if apart else None, apart=apart)


def _label_lines(label: LabelDrift, same: LabelDrift | None) -> Iterator[str]:
    share = "none labelled by both" if label.agreement is None else f"{_percent(label.equal, label.both)} equal"
    yield (
        f"labels     {label.array}: {share} of {label.both:,} pixels that both label; "
        f"{label.only_ours:,} ours only, {label.only_published:,} published only"
    )
    if same is not None and 0 < same.both < label.both:
        yield f"           of those where the scene is the same, {_percent(same.equal, same.both)} of {same.both:,}"
    names = _NAMES[label.array]
    for ours, published, pixels in label.changes:
        yield f"           {names.get(ours, ours)} for {names.get(published, published)}: {pixels:,} pixels"


def _band_line(band: BandDrift, same: BandDrift | None, *, apart: bool) -> str:
    figures = "".join(f"{_figure(value):>12}" for value in (band.mean, band.rms, band.largest))
    if apart:
        figures += f"{_percent(same.equal, same.pixels) if same else '–':>14}{_figure(same.rms if same else None):>12}"
    alone = f", {band.only_ours:,} observed by ours only" if band.only_ours else ""
    alone += f", {band.only_published:,} by published only" if band.only_published else ""
    equal = _percent(band.equal, band.pixels)
    return f"           {band.array.upper()} {band.band:<5}{band.pixels:>15,}{equal:>11}{figures}  {band.unit}{alone}"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _percent(part: int, whole: int) -> str:
    """A share that reads 100 % only where it is all."""
    if not whole:
        return "–"
    share = 100 * part / whole
    return "100 %" if part == whole else f"{min(share, 99.9999):.4f} %"


def _verdict(drift: Drift) -> str:
    if drift.differs_in:
        return f"differs in {', '.join(drift.differs_in)}"
    return "the same in all that could be compared"
