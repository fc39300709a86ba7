"""What every task of an OSM build needs to know."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.built_tiles import BuiltTile, BuiltTiles
from pipeline.inspection import Inspection
from pipeline.leakage import Place
from pipeline.osm_recipe import OsmRecipe
from pipeline.schema.errors import FailureKind
from pipeline.schema.landcover import OSM_ADMITS
from pipeline.schema.layout import RunLayout


@dataclass(frozen=True)
class OsmJob:
    """What every task of an OSM build needs to know."""

    run: RunLayout
    recipe: OsmRecipe
    tiles: BuiltTiles
    """The Dynamic World tiles that the set is made from."""
    labels_from: str
    """Digest of what decides the land use on a grid: the source's settings, and the files where it is files."""
    inspection: Inspection = field(default_factory=Inspection)
    pretraining: tuple[Place, ...] | None = None
    """Where the pretraining set's locations lie; None where the recipe names none."""
    admits: Mapping[int, frozenset[int]] = field(default_factory=lambda: OSM_ADMITS)
    """The DW classes that each OSM class does not contradict."""
    retry: frozenset[FailureKind] = frozenset()
    """Kinds of lasting failures that are to be asked for again."""

    def part(self, number: int) -> tuple[BuiltTile, ...]:
        """The tiles of one part, in the order of their ids."""
        size = self.recipe.part_tiles
        return self.tiles.tiles[number * size : (number + 1) * size]

    @property
    def parts(self) -> int:
        """How many parts there are."""
        return -(-len(self.tiles.tiles) // self.recipe.part_tiles)

    def digest(self) -> str:
        """The recipe's digest, with the content of all that it names by path."""
        places = None if self.pretraining is None else [(p.location_id, p.centre) for p in self.pretraining]
        touched = self.inspection.of_tiles([tile.tile_id for tile in self.tiles.tiles])
        return self.recipe.digest([self.tiles.digest, self.labels_from, touched, places])
