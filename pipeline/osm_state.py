"""What an OSM build's tables hold, read back: the funnel, and the tiles that went and why."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pipeline.agreement import NO_LABEL
from pipeline.files import listed
from pipeline.funnel_step import FunnelStep, commonest_first
from pipeline.parts import read_part
from pipeline.schema.layout import RunLayout
from pipeline.schema.osm_records import HandNote, Nearness, OsmLabelled, SplitChoice
from pipeline.schema.tiles import DroppedTile, TileAgreement

Record = TypeVar("Record")


@dataclass(frozen=True)
class OsmTables:
    """The tables of an OSM build, all parts together."""

    agreement: tuple[TileAgreement, ...]
    inspection: tuple[HandNote, ...]
    split: tuple[SplitChoice, ...]
    """Empty where the build has not come so far, like the next."""
    leakage: tuple[Nearness, ...]


def read_osm_tables(run: RunLayout, parts: int | None = None) -> OsmTables:
    """The tables of an OSM build: of so many parts, or of all that are there."""
    number = len(listed(run.table("agreement", 0).parent, "part-*.parquet")) if parts is None else parts
    return OsmTables(
        agreement=_read(run, "agreement", number, TileAgreement),
        inspection=_read(run, "inspection", number, HandNote),
        split=_read(run, "split", int(run.table("split", 0).exists()), SplitChoice),
        leakage=_read(run, "leakage", int(run.table("leakage", 0).exists()), Nearness),
    )


def labelled_funnel(run: RunLayout, parts: int) -> tuple[FunnelStep, ...]:
    """The funnel of a build that stopped before the agreement check."""
    labelled = _read(run, "labels", parts, OsmLabelled)
    return (_all_of_them(len(labelled)), labels_step(labelled))


def labels_step(labelled: Sequence[OsmLabelled]) -> FunnelStep:
    """What the land-use source has of these tiles."""
    return _step("labels", len(labelled), [NO_LABEL for tile in labelled if tile.osm_share == 0])


def agreement_step(tiles: Sequence[TileAgreement]) -> FunnelStep:
    """What the agreement check did with those that have labels."""
    labelled = [tile for tile in tiles if tile.reason != NO_LABEL]
    return _step("agreement", len(labelled), [tile.reason for tile in labelled if not tile.kept])


def split_step(choices: Sequence[SplitChoice]) -> FunnelStep:
    """What the split left out."""
    return _step("split", len(choices), [choice.reason for choice in choices if not choice.split])


def osm_funnel(tables: OsmTables, split: bool) -> tuple[FunnelStep, ...]:
    """What each stage kept: tiles, those with labels, those whose labels agree, those in a split."""
    count = len(tables.agreement)
    unlabelled = [tile.reason for tile in tables.agreement if tile.reason == NO_LABEL]
    steps = (_all_of_them(count), _step("labels", count, unlabelled), agreement_step(tables.agreement))
    return (*steps, split_step(tables.split)) if split else steps


def dropped_tiles(tables: OsmTables) -> list[DroppedTile]:
    """Every tile that is in neither split, with the stage of the funnel that counts it and the reason."""
    judged = [
        DroppedTile(
            tile.tile_id, tile.split, "labels" if tile.reason == NO_LABEL else "agreement", tile.reason, tile.detail
        )
        for tile in tables.agreement
        if not tile.kept
    ]
    left_out = [
        DroppedTile(choice.tile_id, choice.published, "split", choice.reason, choice.detail)
        for choice in tables.split
        if not choice.split
    ]
    return sorted([*judged, *left_out], key=lambda tile: tile.tile_id)


def _all_of_them(count: int) -> FunnelStep:
    return FunnelStep("tiles", count, count, ())


def _step(stage: str, entered: int, dropped: Iterable[str]) -> FunnelStep:
    reasons = Counter(dropped)
    return FunnelStep(stage, entered, entered - reasons.total(), commonest_first(reasons))


def _read(run: RunLayout, stage: str, parts: int, record: type[Record]) -> tuple[Record, ...]:
    return tuple(row for part in range(parts) for row in read_part(run.table(stage, part), record))
