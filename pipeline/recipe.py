"""A recipe: YAML to typed settings. Each part owns its settings; a recipe composes them."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field

from pipeline.budget import BudgetSettings
from pipeline.export import ExportSettings
from pipeline.pack import StoreSettings
from pipeline.quality import QualitySettings
from pipeline.sample import FILE_KEYS, SampleSettings, listed_files
from pipeline.schema.errors import UsageError
from pipeline.schema.release import Released
from pipeline.schema.strict import Strict, validated
from pipeline.season_windows import SeasonSettings
from pipeline.sources.pace import PaceSettings

HIGH_VOLUME_URL = "https://earthengine-highvolume.googleapis.com"
"""The end point for many automated requests (Earth Engine guide, processing environments)."""


class EmulatorSettings(Strict):
    """The local Earth Engine over a seeded planet."""

    kind: Literal["emulator"] = "emulator"
    seed: int = 0
    """Which planet."""
    url: str | None = None
    """A running emulator; without it the build starts one and ends it."""
    faults: str = ""
    """Faults to inject, for example '429:0.05,reset:0.02'; changes no result."""
    latency_s: float = Field(default=0.0, ge=0)
    """Added to every answer, seconds; changes no result."""
    pace: PaceSettings = PaceSettings()
    """How fast the whole build asks; changes no result."""
    targets: str = Field(default="", pattern=r"^\s*(-?[\d.]+\s*,\s*-?[\d.]+\s*(;\s*|$))*$")
    """Point targets that every sensor shows, 'lon,lat;lon,lat'."""
    flaws: str = ""
    """Shares of scenes with something wrong, for example 'offset:0.05,border:0.05,shift:0.05'."""
    canned: bool = False
    """For benchmarks only: pixels have the right form but are not of the asked place."""

    def identity(self) -> dict[str, Any]:
        """What of these settings decides the pixels."""
        more = {"targets": self.targets, "flaws": self.flaws, "canned": self.canned}
        return {"kind": self.kind, "seed": self.seed, **{name: value for name, value in more.items() if value}}


class EarthEngineSettings(Strict):
    """Google Earth Engine."""

    kind: Literal["earthengine"] = "earthengine"
    project: str
    """The Google Cloud project that pays."""
    url: str = HIGH_VOLUME_URL
    """The end point; by default the one for many automated requests."""
    workload_tag: str | None = "noldo"
    """Labels the compute spent (Earth Engine guide, workload tags)."""
    pace: PaceSettings = PaceSettings()
    """How fast the whole build asks; a project with a higher quota may go faster."""

    def identity(self) -> dict[str, Any]:
        """What of these settings decides the pixels."""
        return {"kind": self.kind}


SourceSettings = Annotated[EmulatorSettings | EarthEngineSettings, Field(discriminator="kind")]


class Recipe(Released):
    """Everything that decides a data set, and the pretraining on it."""

    name: str = Field(default="nol", pattern=r"^[a-z][a-z0-9_]*$")
    """Name of the store."""
    sample: SampleSettings
    source: SourceSettings
    seasons: SeasonSettings = SeasonSettings()
    export: ExportSettings = ExportSettings()
    quality: QualitySettings = QualitySettings()
    store: StoreSettings = StoreSettings()
    budget: BudgetSettings = BudgetSettings()
    part_locations: int = Field(default=64, gt=0)
    """Locations to a part: the unit of work, of commit and of a match request."""
    pretrain: dict[str, Any] | None = None
    """Pretraining to run when the store is there; its keys are training's own."""

    def export_content(self) -> dict[str, Any]:
        """The export settings that decide the pixels; not how they are asked for."""
        how = {"concurrency", "request_bands", "max_failed_share"}
        return self.export.model_dump(mode="json", exclude=how)

    def store_content(self) -> dict[str, Any]:
        """The store settings that decide its bytes; not what becomes of the staging."""
        return self.store.model_dump(mode="json", exclude={"staging"})

    def published(self) -> dict[str, Any]:
        """What decides the data set, without paths of this machine: not how it is fetched, or used."""
        plain = self._deciding()
        plain["sample"].update({key: path.name for key, path in listed_files(self.sample).items()})
        return plain

    def digest(self, listed: str | None = None) -> str:
        """SHA-256 over the canonical form of what decides the data set, not of how it is fetched or used.

        `listed` is the SHA-256 of the files that `sample` names, where it names any: content counts, not paths.
        """
        plain = self._deciding()
        plain["sample"].update(dict.fromkeys(FILE_KEYS), files=listed)
        plain["source"] = self.source.identity()
        return canonical_digest(plain)

    def _deciding(self) -> dict[str, Any]:
        how = {"pretrain", "part_locations", "budget"}
        plain = {key: value for key, value in self.described().items() if key not in how}
        return {**plain, "export": self.export_content(), "store": self.store_content()}


def canonical_digest(plain: Any) -> str:
    """SHA-256 of plain data: JSON with sorted keys and no spaces."""
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which says where a date stands that the calendar does not have."""

    def construct_yaml_timestamp(self, node: yaml.ScalarNode) -> Any:
        try:
            return super().construct_yaml_timestamp(node)
        except ValueError as error:
            problem = f"{node.value} is no date: {error}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_yaml_timestamp)


def read_yaml(path: Path, settings: Sequence[str] = ()) -> dict[str, Any]:
    """A recipe file as plain data, with every `--set key.path=value` applied; UsageError says what is wrong."""
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506, it is a SafeLoader
    except OSError as error:
        where = "" if path.is_absolute() else f" in {Path.cwd()}"
        raise UsageError(f"cannot read the recipe {path}{where}: {error.strerror}; correct the path") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is no text in UTF-8 ({error.reason} at byte {error.start}); save it as that"
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}" if mark else ""
        raise UsageError(
            f"{path}{where} is not valid YAML: {getattr(error, 'problem', error)}; correct it there"
        ) from error
    if not isinstance(raw, dict):
        raise UsageError(f"{path} is no recipe: expected keys such as 'sample' and 'source' at the top")
    for setting in settings:
        apply_setting(raw, setting)
    return raw


def load_recipe(path: Path, settings: Sequence[str] = ()) -> Recipe:
    """Read and check a recipe; paths in it are relative to the folder it is run from."""
    return validated(Recipe, read_yaml(path, settings), where=str(path))


def apply_setting(raw: dict[str, Any], setting: str) -> None:
    """Set one key of a recipe as plain data, 'key.path=value'; UsageError says what is wrong with it."""
    dotted, equals, text = setting.partition("=")
    if not equals or not dotted:
        raise UsageError(f"--set {setting}: expected KEY.PATH=VALUE, for example --set sample.count=32")
    *parents, last = dotted.split(".")
    here = raw
    for key in parents:
        here = here.setdefault(key, {})
        if not isinstance(here, dict):
            raise UsageError(f"--set {setting}: '{key}' holds a value, not further keys; end the key there")
    try:
        here[last] = yaml.load(text, _Loader)  # noqa: S506, it is a SafeLoader
    except yaml.constructor.ConstructorError as error:
        raise UsageError(f"--set {setting}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"--set {setting}: the value is not valid YAML; put it in quotes of its own") from error
