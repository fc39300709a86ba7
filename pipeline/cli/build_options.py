"""How a build is to run, whatever it builds."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.schema.errors import FailureKind, UsageError


@dataclass(frozen=True)
class BuildOptions:
    """How a build is to run."""

    until: str | None
    """The last stage to run; None for all."""
    workers: int | None
    """Local worker processes; None for one a core."""
    scheduler: str | None
    """Address of a running Dask scheduler."""
    remake: bool
    """Let a changed recipe make its stages again."""
    retry: tuple[FailureKind, ...] = ()
    """Kinds of lasting failures to ask for again."""

    def last_of(self, stages: Sequence[str]) -> str:
        """The last of a build's stages to run; UsageError where the one asked for is none of them."""
        if self.until is None:
            return stages[-1]
        if self.until not in stages:
            raise UsageError(f"--until {self.until} is no stage of this recipe; give one of {', '.join(stages)}")
        return self.until
