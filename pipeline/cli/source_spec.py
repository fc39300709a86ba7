"""Earth Engine as a recipe names it: the real one, a running emulator, or one that lasts as long as the build."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.own_emulator import own_emulator
from pipeline.schema.errors import UsageError
from pipeline.schema.layout import RunLayout

if TYPE_CHECKING:
    from pipeline.emulator.planet_spec import PlanetSpec
    from pipeline.recipe import EmulatorSettings, SourceSettings
    from pipeline.sources.earthengine import EarthEngineSpec


@contextmanager
def source_spec(source: "SourceSettings", run: RunLayout, listed: Path | None = None) -> "Iterator[EarthEngineSpec]":
    """Where the scenes come from; starts and ends an emulator where the recipe wants one of its own.

    `listed` is the list of locations whose scenes are real ones, where the recipe names one.
    """
    from pipeline.emulator.faults import parse_faults
    from pipeline.files import is_local, on_disk
    from pipeline.recipe import EarthEngineSettings
    from pipeline.sources.earthengine import EarthEngineSource, EarthEngineSpec, emulator_spec

    with ExitStack() as stack:
        if isinstance(source, EarthEngineSettings):
            spec = EarthEngineSpec(url=source.url, project=source.project, workload_tag=source.workload_tag)
        elif source.url is not None:
            same_planet(source, listed)
            spec = emulator_spec(source.url)
        else:
            parse_faults(source.faults)
            planet_spec(source, listed).identity()  # a bad list of targets or flaws is told at once
            log = on_disk(run.root / "emulator.log", "a log") if is_local(run.root) else None
            spec = emulator_spec(stack.enter_context(own_emulator(source, listed, log)))
        EarthEngineSource(spec, stage="connect")  # no credentials or no service is told before any worker starts
        yield spec


def same_planet(source: "EmulatorSettings", listed: Path | None) -> None:
    """Refuse a running emulator that serves another planet than the recipe names, or cannot do what it asks."""
    from pipeline.emulator.process import planet_of

    if source.faults or source.latency_s:
        raise UsageError(
            "source.faults and source.latency_s are given to the emulator at source.url; leave them out here"
        )
    served, wanted = planet_of(source.url or ""), planet_spec(source, listed).identity()
    if served != wanted:
        raise UsageError(
            f"the emulator at {source.url} serves the planet {served}, the recipe names {wanted}; start another with "
            "'noldo emulator serve', or leave source.url out"
        )


def planet_spec(source: "EmulatorSettings", listed: Path | None) -> "PlanetSpec":
    """The planet that a recipe names."""
    from pipeline.emulator.planet_spec import PlanetSpec

    return PlanetSpec(source.seed, listed, source.targets, source.flaws, source.canned)
