"""Which world an emulator serves: a planet, what was planted on it and what is wrong with it, as a value."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pipeline.emulator.flaws import Flawed, flaws_of, parse_flaws
from pipeline.emulator.planet import Planet
from pipeline.emulator.scene import TrueWorld
from pipeline.emulator.targets import Planted, parse_targets, targets_text
from pipeline.schema.errors import UsageError


@dataclass(frozen=True)
class PlanetSpec:
    """Everything that decides the answers of an emulator, faults aside; it can be sent to another process."""

    seed: int
    locations: Path | None = None
    """A list of real places and times to have scenes, see pipeline.emulator.listed."""
    targets: str = ""
    """Point targets, see pipeline.emulator.targets."""
    flaws: str = ""
    """Shares of scenes with something wrong, see pipeline.emulator.flaws."""
    canned: bool = False
    """Pixels are not those of the asked place, see pipeline.emulator.canned."""

    def world(self) -> TrueWorld:
        """The world itself. Reads files for a few seconds; UsageError for an unusable list, target or flaw."""
        targets, flaws = parse_targets(self.targets), parse_flaws(self.flaws)
        world: TrueWorld = Planet(self.seed, self.locations)
        if targets:
            world = Planted(world, targets)
        return Flawed(world, self.seed, flaws) if flaws else world

    def identity(self) -> dict[str, object]:
        """What makes the world, as plain data.

        {"seed": int, "locations_sha256": hex digest of the list's bytes, or None without one}, and of "targets",
        "flaws" and "canned" those that are not the default. Raises UsageError where the list cannot be read.
        """
        targets, flaws = parse_targets(self.targets), parse_flaws(self.flaws)
        told: dict[str, object] = {"seed": self.seed, "locations_sha256": self._locations_sha256()}
        if targets:
            told["targets"] = targets_text(targets)
        if flaws:
            told["flaws"] = ",".join(f"{kind}:{share!r}" for kind, share in flaws)
        if self.canned:
            told["canned"] = True
        return told

    def flaws_of(self, asset_id: str) -> dict[str, object]:
        """What is wrong with a scene; empty where nothing is."""
        return flaws_of(self.seed, parse_flaws(self.flaws), asset_id).as_json()

    def _locations_sha256(self) -> str | None:
        try:
            return None if self.locations is None else hashlib.sha256(self.locations.read_bytes()).hexdigest()
        except OSError as error:
            raise UsageError(f"{self.locations} cannot be read ({error.strerror}); name a list of locations") from error
