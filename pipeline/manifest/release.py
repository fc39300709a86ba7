"""What a run's release is called: kept in the run's own recipe, so that builds and rewritten manifests agree."""

from typing import Any, Final

import yaml

from pipeline.files import is_file, write_bytes
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.release import Released, ReleaseSettings
from pipeline.schema.strict import validated

SECTION: Final = "release"
"""Of a recipe."""


def run_release(run: RunLayout) -> ReleaseSettings:
    """What the recipe of a run says of its release; the defaults where it says nothing."""
    return checked_release(_recipe(run).get(SECTION, {}), where=str(run.recipe))


def checked_release(section: Any, where: str) -> ReleaseSettings:
    """The section `release` of a recipe as settings; UsageError says what is wrong."""
    return validated(Released, {SECTION: section}, where).release


def released_section(run: RunLayout) -> dict[str, Any]:
    """The section as it stands in the run's recipe, empty where there is none."""
    section = _recipe(run).get(SECTION)
    return dict(section) if isinstance(section, dict) else {}


def keep_release(run: RunLayout, release: ReleaseSettings) -> None:
    """Put what the release is called into the run's recipe, where a later build finds it."""
    recipe = {**_recipe(run), SECTION: release.model_dump(mode="json")}
    write_bytes(run.recipe, yaml.safe_dump(recipe, sort_keys=False).encode())


def _recipe(run: RunLayout) -> dict[str, Any]:
    if not is_file(run.recipe):
        return {}
    try:
        plain = yaml.safe_load(run.recipe.read_text())
    except (ValueError, yaml.YAMLError) as error:
        raise UsageError(
            f"{run.recipe} cannot be read ({str(error).splitlines()[0]}); restore it from a copy"
        ) from error
    return plain if isinstance(plain, dict) else {}
