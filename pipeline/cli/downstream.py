"""Which command builds a recipe that names its `kind`: the downstream sets."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.cli.build_options import BuildOptions
from pipeline.schema.errors import UsageError
from pipeline.schema.paths import AnyPath

if TYPE_CHECKING:
    from pipeline.summary import BuildSummary

Builder = Callable[[Mapping[str, Any], str, AnyPath, BuildOptions], "BuildSummary"]
"""Takes a recipe as plain data, what to call it in messages, the run directory, and how to run."""


def builder(raw: Mapping[str, Any], where: str) -> Builder | None:
    """What builds the recipe `raw`; None where it is one of the pretraining set, UsageError for an unknown kind."""
    kind = raw.get("kind")
    if kind is None:
        return None
    if kind == "dw":
        from pipeline.cli.build_tiles import build_dw

        return build_dw
    if kind == "osm":
        from pipeline.cli.build_osm import build_osm_set

        return build_osm_set
    raise UsageError(f"{where}: kind is {kind!r}; expected dw or osm, or none for the pretraining set")
