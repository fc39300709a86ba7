"""What is analysed: the runs, the data that they are held against, and how much of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from pipeline.schema.paths import AnyPath
from pipeline.schema.strict import Strict
from training.analysis.run_data import RunData
from training.analysis.runs import Runs
from training.compute import Compute
from training.settings import STRIDE_PX, Count


class AnalysisSettings(Strict):
    """How much is looked at, and on what."""

    most_patches: Annotated[int, Field(ge=4)] = 512
    """Patches of the pretraining store, each in one season, that a figure is made of at most."""
    shown_patches: Count = 3
    """Patches whose masks are shown, and tiles whose maps are."""
    tile_batch: Count = 4
    """Test tiles that are predicted at once."""
    window_px: Annotated[int, Field(ge=STRIDE_PX)] | None = None
    """Side of the windows, half overlapping, in which test tiles are seen; None: the whole tile at once."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """auto: the first GPU, or the CPU where there is none."""
    threads: Count | None = None
    """CPU threads of the arithmetic; by default torch decides."""


@dataclass(frozen=True)
class OtherEncoder:
    """An encoder of training.encoders that is looked at beside the runs' own."""

    source: str
    """Its name there, for example moco."""
    weights: Path | None
    """Its local file; None where it needs none."""


@dataclass(frozen=True)
class Subject:
    """What is analysed."""

    runs: Runs
    data: tuple[RunData | None, ...]
    """Of each pretraining run, in their order; None where its store cannot be had."""
    dw_test: AnyPath | None
    """A store of expert-marked tiles with Dynamic World's classes; None: there is none."""
    encoders: tuple[OtherEncoder, ...]
    settings: AnalysisSettings
    compute: Compute
    tell: Callable[[str], None]
    """Told in a few words what is being done."""
