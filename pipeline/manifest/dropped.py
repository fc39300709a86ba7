"""Which locations a build or an import did not keep, with the reasons that the funnel counts, from its tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.funnel import NO_PIXELS, NO_SCENES, NOTHING_THERE, STILL_TO_COME
from pipeline.manifest.index import SPLIT
from pipeline.manifest.made_from import Dropped
from pipeline.parts import arrow_schema, read_columns, read_part
from pipeline.schema.errors import FailureKind
from pipeline.schema.layout import RunLayout

SCHEMA: Final = arrow_schema(Dropped)

_WHY_NO_PIXELS: Final = {
    FailureKind.PERMANENT.value: NO_PIXELS,
    FailureKind.EMPTY.value: NOTHING_THERE,
}


def dropped_locations(run: RunLayout, parts: int, stages: Sequence[str]) -> pa.Table:
    """The dropped locations of a pretraining set as rows of dropped.parquet, by stage, part and order in the part.

    `stages` are those of 'import', 'seasons', 'export' and 'quality' that the run has; the last three in `parts` parts.
    What a service said of a failure is left out: two builds of one data set may hear different words.
    """
    tables = []
    for stage in stages:
        if stage == "import":
            tables.append(_imported(run))
            continue
        for part in range(parts):
            tables.append(_exported(run, part) if stage == "export" else _judged(run, stage, part))
    return pa.concat_tables([SCHEMA.empty_table(), *tables])


def _judged(run: RunLayout, stage: str, part: int) -> pa.Table:
    verdicts = read_columns(run.table(stage, part), ("location_id", "kept", "reason", "detail"))
    gone = verdicts.filter(pc.invert(verdicts["kept"]))
    detail = pc.if_else(pc.equal(gone["reason"], NO_SCENES), "", gone["detail"])
    return _rows(stage, gone["location_id"], gone["reason"], detail)


def _exported(run: RunLayout, part: int) -> pa.Table:
    records = read_columns(run.table("export", part), ("location_id", "failure_kind"))
    gone = records.filter(pc.is_valid(records["failure_kind"]))
    reasons = [_WHY_NO_PIXELS.get(kind, STILL_TO_COME) for kind in gone["failure_kind"].to_pylist()]
    return _rows("export", gone["location_id"], pa.array(reasons, pa.string()), pa.repeat("", len(gone)))


@dataclass(frozen=True)
class _Problem:
    location_id: str
    reason: str
    detail: str


@dataclass(frozen=True)
class _Ended:
    problems: tuple[_Problem, ...]


def _imported(run: RunLayout) -> pa.Table:
    """Locations of published files that could not be read whole."""
    (ended,) = read_part(run.table("import", 0), _Ended)
    gone = [problem for problem in ended.problems if problem.location_id]
    columns = [pa.array([getattr(one, name) for one in gone], pa.string()) for name in _Problem.__dataclass_fields__]
    return _rows("import", *columns)


def _rows(stage: str, location_id: pa.Array, reason: pa.Array, detail: pa.Array) -> pa.Table:
    rows = len(location_id)
    return pa.table([location_id, pa.repeat(SPLIT, rows), pa.repeat(stage, rows), reason, detail], schema=SCHEMA)
