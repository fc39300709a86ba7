"""Whether a folder holds a run of other settings, told from run.json alone."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.schema.layout import PretrainLayout
from pipeline.schema.strict import Strict
from training.json_file import read_json
from training.settings import PretrainSettings

NO_EFFECT = ("device", "threads", "compile", "checkpoint_minutes")
"""Settings that say where and how a run computes, not what."""


def other_run(settings: PretrainSettings, out: Path) -> str | None:
    """Name the settings in which the run in `out` differs, such as "epochs, objective.ramp"; None where it does not.

    None too where `out` holds no run. Neither store nor checkpoint is looked at. NoldoError for a damaged run.json.
    """
    record = PretrainLayout(out).record
    if not record.exists():
        return None
    before = read_json(record).get("settings")
    known = before if isinstance(before, dict) else {}
    return ", ".join(changed_settings(known, settings.model_dump(mode="json"))) or None


def changed_settings(
    before: Mapping[str, Any], now: Mapping[str, Any], model: type[Strict] = PretrainSettings
) -> list[str]:
    """Names of the settings that differ and decide a result, a nested one behind its parent's and a dot.

    `model`: whose settings they are. What a run of an earlier version could not be told, it did as the default says.
    """
    with suppress(ValidationError):  # of another version altogether: compared as they stand
        before = model.model_validate(before).model_dump(mode="json") if before else before
    return _changed(before, now)


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    changed = []
    for key, value in now.items():
        old = before.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            changed += [f"{key}.{inner}" for inner in _changed(old, value)]
        elif key not in NO_EFFECT and old != value:
            changed.append(key)
    return changed
