"""What a person looks at in a notebook: where locations are and what became of them, scenes and pixels on a map."""

from pipeline.look.fates import placed_fates
from pipeline.look.land import land

__all__ = ["land", "placed_fates"]
