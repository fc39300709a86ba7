"""Where a data set comes from: recipe, source, code and library versions. No time of day: same build, same record."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pipeline.manifest.environment import environment
from pipeline.schema.emulated import is_emulated

PRIVATE: Final = ("project", "url", "workload_tag", "faults", "latency_s", "pace")
"""Source settings that say who pays, over which road and how fast; they decide no pixel and are not published."""

EMULATED: Final = (
    "Emulated: every scene, pixel and label comes from the project's local emulator, a seeded imaginary planet. "
    "Nothing here was observed by a satellite."
)
IMPORTED: Final = (
    "Imported: pixels and labels come from files that others published, read and checked but not fetched again; "
    "'source' says which."
)
UNLABELLED: Final = "There were no labels beside the images: every pixel of dw is 255."

REAL: Final = "Real: scenes and pixels come from Google Earth Engine's public catalogue; LICENSES.md says whose labels."


def provenance_record(
    recipe: Mapping[str, Any],
    recipe_digest: str,
    content: Mapping[str, Any],
    release: Mapping[str, Any],
    made_with: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The provenance as plain data; `recipe` has its defaults filled in, `content` is the content digest as JSON.

    `release` is what the release is called, its date filled in; `made_with` is the `software` of the build, without it
    today's. Raises ValueError where the recipe does not say of which kind its source is.
    """
    public = public_recipe(recipe)
    source = public["source"]
    return {
        "data": _data(source),
        "emulated": is_emulated(source),
        "source": source,
        "release": dict(release),
        "recipe_digest": recipe_digest,
        "content_digest": dict(content),
        **(made_with or software()),
        "recipe": public,
    }


def software() -> dict[str, Any]:
    """The code that runs now and what it rests on, as plain data: 'code' and 'environment' of a provenance."""
    return {"code": {"commit": code_commit(Path(__file__))}, "environment": environment()}


def public_recipe(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """A recipe without what its source's settings say of how it was asked; ValueError where it tells of no source."""
    source = recipe.get("source")
    if not isinstance(source, Mapping) or "kind" not in source:
        raise ValueError("the recipe does not say of which kind its source is")
    return {**recipe, "source": {key: value for key, value in source.items() if key not in PRIVATE}}


def _data(source: Mapping[str, Any]) -> str:
    if is_emulated(source):
        return EMULATED
    if source["kind"] == "import" and source.get("labels", "") is None:
        return f"{IMPORTED} {UNLABELLED}"
    return IMPORTED if source["kind"] == "import" else REAL


def code_commit(source: Path) -> str | None:
    """The git commit of a source file's checkout, '+modified' where it was changed since; None outside of one."""
    # An environment inside somebody else's checkout is not that checkout's code.
    if _git(source.parent, "ls-files", "--error-unmatch", source.name) is None:
        return None
    commit = _git(source.parent, "rev-parse", "HEAD")
    changed = _git(source.parent, "status", "--porcelain", "--untracked-files=no")
    return f"{commit}+modified" if commit and changed else commit


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
