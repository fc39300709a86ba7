"""The networks of a transfer run, before and after it was trained."""

from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError
from torch import nn
from upath import UPath

from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.paths import AnyPath
from training.analysis.runs import TransferRun
from training.checkpoint import load_weights
from training.compute import Compute
from training.transfer.record import describe_transfer
from training.transfer.run import set_up
from training.transfer.seed_state import new_seed_state
from training.transfer.settings import TransferSettings
from training.transfer.setup import Setup


def reopen(run: TransferRun, compute: Compute) -> Setup:
    """Set a finished run up once more, from the stores and weights that its record names.

    UsageError where one of these is not there any more or is another one by now, NoldoError for a damaged record.
    """
    record = run.record
    try:
        settings = TransferSettings.model_validate(record["settings"])
        train, test = (_path(record[which]["path"]) for which in ("train", "test"))
        weights = None if record["weights"] is None else Path(record["weights"]["file"])
    except (ValidationError, LookupError, TypeError) as error:
        raise NoldoError(
            f"{run.layout.record} is no record of a transfer run ({type(error).__name__}); run it again"
        ) from error
    here = settings.model_copy(update={"device": "auto", "precision": "float32", "threads": None})
    setup: Setup = replace(set_up(here, train, test, weights), compute=compute)
    now = describe_transfer(setup, run.name, None)
    for what, key, content in (("training store", "train", "digest"), ("weights", "weights", "sha256")):
        if (record[key] or {}).get(content) != (now[key] or {}).get(content):
            raise UsageError(f"the {what} of {run.folder} are not what it was trained with any more; restore them")
    return setup


def network_before(setup: Setup, seed: int) -> nn.Module:
    """The network as the repeat began: loaded from the weights, and the rest drawn from the seed."""
    return new_seed_state(setup, seed)[0].network


def network_after(setup: Setup, run: TransferRun, seed: int) -> nn.Module:
    """The network as the repeat ended, in evaluation mode; UsageError where its weights are not the network's."""
    network = new_seed_state(setup, seed)[0].network
    path = run.layout.seed(seed).weights
    report = load_weights(network, path)
    if report.missing or report.unexpected:
        raise UsageError("\n".join([f"{path} is not the network of {run.folder}:", *report.lines()][:4]))
    return network.eval()


def _path(stated: str) -> AnyPath:
    return UPath(stated) if "://" in stated else Path(stated)
