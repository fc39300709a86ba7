"""What a run directory holds, read into one frozen record; what is missing becomes a notice, not a failure."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from pydantic import TypeAdapter

from pipeline.files import is_local, listed
from pipeline.parts import read_part, readable
from pipeline.report.training_log import Pretraining, read_pretraining
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import PretrainLayout, RunLayout
from pipeline.schema.paths import AnyPath
from pipeline.schema.records import ExportRecord, Location, QualityRecord, Verdict

Record = TypeVar("Record")
Result = TypeVar("Result")


@dataclass(frozen=True)
class IndexRow:
    """One season of one location in the store, from manifest/index.parquet."""

    location_id: str
    season: int
    row: int
    """Row of the store."""
    s2_id: str | None = None
    s1_id: str | None = None
    dw_id: str | None = None
    s2_datetime: datetime | None = None
    s1_datetime: datetime | None = None
    epsg: int | None = None
    cloud_pct: float | None = None
    label_valid_frac: float | None = None


Indexed = TypeVar("Indexed", bound=IndexRow)


@dataclass(frozen=True)
class RunRecord:
    """Everything the page is made of, but the pixels."""

    layout: RunLayout
    recipe: Mapping[str, Any]
    provenance: Mapping[str, Any]
    """manifest/provenance.json as it stands; empty where there is none."""
    statistics: Mapping[str, Any]
    """manifest/statistics.json as it stands; empty where there is none."""
    locations: tuple[Location, ...]
    verdicts: tuple[Verdict, ...]
    """Of the four-season filter."""
    exports: tuple[ExportRecord, ...]
    quality: tuple[QualityRecord, ...]
    stored_ids: frozenset[str]
    """Locations that are in the store."""
    store: AnyPath | None
    pretraining: Pretraining | None
    notices: tuple[str, ...] = field(default=())
    """Plain sentences about what is missing or could not be read."""

    @property
    def emulated(self) -> bool:
        """Whether the scenes came from the local emulator."""
        source = self.recipe.get("source")
        return isinstance(source, Mapping) and source.get("kind") == "emulator"

    @property
    def imported(self) -> bool:
        """Whether the pixels come from published files."""
        return self.recipe.get("kind") == "import"

    def scenes_of(self, rows: Collection[int]) -> tuple[IndexRow, ...]:
        """The index of some rows of the store, by row and season; empty where there is no index that can be read."""
        return read_index(self.layout.index, IndexRow, rows) if self.stored_ids else ()


def is_run(layout: RunLayout) -> bool:
    """Whether a directory holds the run of a build, or the beginning of one."""
    return layout.recipe.is_file() or layout.table("sample", 0).parent.is_dir()


def gather(layout: RunLayout) -> RunRecord:
    """Read a run directory; UsageError where it is none."""
    if not is_run(layout):
        raise UsageError(
            f"{layout.root} holds no run: neither {layout.recipe.name} nor tables/sample is there;\n"
            "name the directory that was given to `noldo build RECIPE --out DIR`"
        )
    notices: list[str] = []
    recipe = or_notice(lambda: read_mapping(layout.recipe, yaml.safe_load), notices) or {}
    provenance = or_notice(lambda: read_mapping(layout.manifest / "provenance.json", json.loads), notices) or {}
    told = layout.manifest / "statistics.json"
    statistics = or_notice(lambda: read_mapping(told, json.loads), notices) if told.is_file() else None
    stored = or_notice(lambda: _stored_ids(layout.index), notices) or frozenset()
    pretraining = or_notice(lambda: _pretraining(layout), notices)
    return RunRecord(
        layout=layout,
        recipe=recipe,
        provenance=provenance,
        statistics=statistics or {},
        locations=_table(layout, "sample", Location, notices),
        verdicts=() if recipe.get("kind") == "import" else _table(layout, "seasons", Verdict, notices),
        exports=_table(layout, "export", ExportRecord, notices),
        quality=_table(layout, "quality", QualityRecord, notices),
        stored_ids=stored,
        store=_store(layout, recipe),
        pretraining=pretraining,
        notices=tuple(notices),
    )


def or_notice(make: Callable[[], Result], notices: list[str]) -> Result | None:
    """What `make` returns; where it fails as expected, None, and its message among the notices."""
    try:
        return make()
    except NoldoError as error:
        notices.append(str(error))
        return None


def from_the_run(layout: RunLayout, notices: Sequence[str]) -> list[str]:
    """Notices with the paths as they are in the run directory: where that lies is nothing for a page that is shown."""
    return [notice.replace(f"file://{layout.root}/", "").replace(f"{layout.root}/", "") for notice in notices]


def _table(layout: RunLayout, stage: str, record: type[Record], notices: list[str]) -> tuple[Record, ...]:
    paths = listed(layout.table(stage, 0).parent, "part-*.parquet")
    if not paths:
        notices.append(f"The build has no '{stage}' table yet: what depends on it is left out.")
    rows: list[Record] = []
    for path in paths:
        rows.extend(or_notice(partial(read_part, path, record), notices) or [])
    return tuple(rows)


def read_mapping(path: AnyPath, parse: Callable[[str], Any]) -> Mapping[str, Any]:
    """A file of keys and values, as `parse` reads its text; NoldoError where it is missing or is none."""
    if not path.is_file():
        raise NoldoError(f"{path.name} is not there yet.")
    try:
        plain = parse(path.read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise NoldoError(f"{path.name} cannot be read ({error}).") from error
    if not isinstance(plain, dict):
        raise NoldoError(f"{path.name} cannot be read: expected keys and values at the top.")
    return plain


def read_index(path: AnyPath, record: type[Indexed], rows: Collection[int] | None = None) -> tuple[Indexed, ...]:
    """What a manifest's index says, of `rows` of the store alone if given, by store row and season.

    Only the columns that `record` has are read, and no more rows at once than a batch: a whole data set has a million.
    NoldoError where there is no index that can be read.
    """
    wanted = None if rows is None else pa.array(sorted(rows), pa.int64())
    adapter = TypeAdapter(list[record])  # type: ignore[valid-type]
    found: list[Indexed] = []
    try:
        for batch in _batches(path, [f.name for f in fields(record)]):
            chosen = batch if wanted is None else batch.filter(pc.is_in(batch["row"].cast(pa.int64()), wanted))
            found.extend(adapter.validate_python(chosen.to_pylist()))
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise NoldoError(f"{path.name} cannot be read ({error}).") from error
    return tuple(sorted(found, key=lambda row: (row.row, row.season)))


def _stored_ids(path: AnyPath) -> frozenset[str]:
    stored: set[str] = set()
    try:
        for batch in _batches(path, ["location_id"]):
            stored.update(batch["location_id"].to_pylist())
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise NoldoError(f"{path.name} cannot be read ({error}).") from error
    return frozenset(stored)


def _batches(path: AnyPath, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The columns of an index that are there, a batch of rows at a time."""
    if not path.is_file():
        raise NoldoError("The manifest has no index yet: the build has not come to its end.")
    file = pq.ParquetFile(readable(path))
    present = set(file.schema_arrow.names)
    yield from file.iter_batches(columns=[name for name in columns if name in present])


def _pretraining(layout: RunLayout) -> Pretraining | None:
    return read_pretraining(PretrainLayout(layout.pretrain)) if is_local(layout.pretrain) else None


def _store(layout: RunLayout, recipe: Mapping[str, Any]) -> AnyPath | None:
    named = layout.store(str(recipe.get("name", "nol")))
    if named.is_dir():
        return named
    return next(iter(listed(named.parent, "*.zarr")), None)
