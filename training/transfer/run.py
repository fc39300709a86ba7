"""Transfer of an encoder to a downstream set, from its weights to the scores: the whole run, top to bottom."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.schema.errors import UsageError
from pipeline.schema.paths import AnyPath
from training.compute import settle_compute
from training.encoders.catalogue import encoder_spec
from training.json_file import read_json, write_json
from training.run_record import FolderState
from training.transfer.form import pretraining_of, settle_form
from training.transfer.layout import TransferLayout
from training.transfer.progress import TransferProgress
from training.transfer.record import describe_transfer, transfer_folder_state
from training.transfer.result import TransferResult
from training.transfer.row_name import row_name
from training.transfer.score_tiles import TileOutcome
from training.transfer.seed_state import new_seed_state
from training.transfer.settings import TransferSettings
from training.transfer.setup import Setup
from training.transfer.summary import seed_result, transfer_result
from training.transfer.teller import Teller
from training.transfer.tile_share import share_of_tiles
from training.transfer.tile_store import open_tile_store
from training.transfer.train_seed import train_seed


def transfer(
    settings: TransferSettings,
    train: AnyPath,
    test: AnyPath,
    weights: Path | None,
    out: Path,
    *,
    name: str | None,
    resume: bool,
    on_progress: Callable[[TransferProgress], None],
) -> TransferResult:
    """Train on one downstream store, score on the other, with each of the seeds, and leave everything in `out`.

    `weights`: the source's file of weights; None where it needs none. `name`: what tables call the run; None: the
    variant of the paper that the weights were pretrained as, else the source's name.
    `resume`: go on with an unfinished run in `out`, repeat by repeat and epoch by epoch; on a CPU the result is bit
    for bit that of an unbroken run. A finished run of the same settings, stores and weights is returned as it is.
    Stopped at any time, it keeps the repeats that are finished and the last epoch of the one under way.
    Raises UsageError for a store, folder, file or setting that does not fit, NoldoError for damaged data or a loss
    that is no finite number any more.
    """
    setup = set_up(settings, train, test, weights)
    layout = TransferLayout(out)
    _, keys = new_seed_state(setup, settings.first_seed)  # so that weights which do not fit are refused here
    name = name or row_name(setup.spec, pretraining_of(weights))
    record = describe_transfer(setup, name, keys)
    found = transfer_folder_state(layout, record, resume=resume)
    if found is FolderState.FINISHED:
        return TransferResult(out, _renamed(layout, name), reused=True)
    out.mkdir(parents=True, exist_ok=True)
    write_json(layout.record, record)
    teller = Teller(setup, on_progress)
    seeds = [_repeat(setup, layout, repeat, teller) for repeat in range(settings.seeds)]
    write_json(layout.result, transfer_result(setup, name, record, seeds))
    return TransferResult(out, read_json(layout.result), reused=False)


def set_up(settings: TransferSettings, train: AnyPath, test: AnyPath, weights: Path | None) -> Setup:
    """Open and check everything, before anything is written; errors as `transfer`."""
    spec = encoder_spec(settings.source)
    if spec.pretrained and weights is None:
        raise UsageError(f"source {spec.name} needs a file of its weights; give one ({spec.source}), or source random")
    if not spec.pretrained and weights is not None:
        raise UsageError(f"source {spec.name} takes no weights, but {weights} was given; leave it out")
    compute = settle_compute(
        device=settings.device, precision=settings.precision, compiled="off", threads=settings.threads
    )
    train_store = open_tile_store(train, settings.modality, settings.label)
    test_store = open_tile_store(test, settings.modality, settings.label)
    if train_store.label_name != test_store.label_name:
        raise UsageError(
            f"{train} is about '{train_store.label_name}', {test} about '{test_store.label_name}'; "
            "give two stores of one set, or set label"
        )
    if settings.crop_px is not None and settings.crop_px > train_store.tile_px:
        raise UsageError(
            f"crop_px is {settings.crop_px}, but the tiles of {train} have {train_store.tile_px} px a side; give less"
        )
    return Setup(
        settings=settings,
        spec=spec,
        form=settle_form(settings, spec, weights),
        image=spec.input_for(settings.modality, settings.s2_bands, weights),
        weights=weights,
        train=train_store,
        test=test_store,
        rows=share_of_tiles(train_store.tiles, settings.train_share, settings.first_seed),
        compute=compute,
    )


def _repeat(setup: Setup, layout: TransferLayout, repeat: int, teller: Teller) -> dict[str, Any]:
    """Train and score one repeat, unless its result is there; return that."""
    seed = setup.settings.first_seed + repeat
    place = layout.seed(seed)
    kept = place.result.exists() and (repeat > 0 or layout.predictions.exists())
    teller.begin(repeat, seed, kept=kept)
    if not kept:
        place.root.mkdir(parents=True, exist_ok=True)
        outcome, seconds = train_seed(setup, seed, place, stepped=teller.stepped, tested=teller.tested)
        if repeat == 0:
            _keep_shown(layout, outcome)
        write_json(place.result, seed_result(seed, outcome, seconds))
    place.checkpoint.unlink(missing_ok=True)
    return read_json(place.result)


def _keep_shown(layout: TransferLayout, outcome: TileOutcome) -> None:
    temporary = layout.predictions.with_suffix(".partial.npz")
    try:
        with temporary.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **outcome.shown)
        temporary.replace(layout.predictions)
    finally:
        temporary.unlink(missing_ok=True)


def _renamed(layout: TransferLayout, name: str) -> dict[str, Any]:
    """The result of a finished run under the name that it is now to have."""
    result = read_json(layout.result)
    if result["name"] != name:
        result = {**result, "name": name}
        write_json(layout.result, result)
    return result
