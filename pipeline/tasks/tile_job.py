"""What every task of a build from expert tiles needs to know."""

from dataclasses import dataclass, field

from pipeline.schema.errors import FailureKind
from pipeline.schema.layout import RunLayout
from pipeline.sources.earthengine import EarthEngineSpec
from pipeline.sources.pace import Link, OwnLink
from pipeline.tile_recipe import DwRecipe


@dataclass(frozen=True)
class TileJob:
    """What every task of a build from expert tiles needs to know."""

    run: RunLayout
    recipe: DwRecipe
    spec: EarthEngineSpec
    link: Link = field(default_factory=OwnLink)
    """To the pace that the whole build keeps, and to its ledger; bound in the task's own thread."""
    retry: frozenset[FailureKind] = frozenset()
    """Kinds of lasting failures that are to be asked for again."""
