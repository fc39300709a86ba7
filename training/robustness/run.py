"""A comparison over noise rates from the labels to the figure."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.schema.bands import S1_BANDS
from pipeline.schema.errors import UsageError
from pipeline.schema.paths import AnyPath
from training.checks import check_store
from training.compute import choose_compute
from training.dataset import TrainingStore, open_store, open_truth, split_locations
from training.json_file import read_json, write_json
from training.pretrain import pretrain
from training.progress import PretrainProgress
from training.robustness.compare import Viewed, compare_layers
from training.robustness.features import HeldOut, see
from training.robustness.findings import UNTRAINED, Findings, LayerRow, NetworkRow
from training.robustness.label_arrays import CLEAN, LabelArray, make_label_arrays
from training.robustness.layout import RobustnessLayout
from training.robustness.networks import finished_network, untrained_network
from training.robustness.settings import PlanetNoise, RobustnessSettings
from training.robustness.spoil import Material
from training.robustness.write import write_findings
from training.run_record import describe_machine
from training.settings import PretrainSettings
from training.shared_ground import ground_groups
from training.single_unet import SingleUNet


@dataclass(frozen=True)
class RobustnessProgress:
    """Where a comparison stands."""

    stage: str
    """labels, networks or layers."""
    done: int
    total: int
    unit: str
    """What is counted: locations or networks."""
    detail: str


@dataclass(frozen=True)
class RobustnessResult:
    """A finished comparison."""

    layout: RobustnessLayout
    result: dict[str, Any]
    """The content of result.json."""
    findings: Findings


Tell = Callable[[RobustnessProgress], None]


def robustness(
    settings: RobustnessSettings, store: AnyPath, out: Path, *, truth: AnyPath | None, on_progress: Tell
) -> RobustnessResult:
    """Pretrain one network on clean and on noisier labels, compare the networks layer by layer, and write it to `out`.

    `truth`: a Zarr group with the true land cover of the store's rows, or None. Nothing is written into the store.
    Label arrays and networks that are finished in `out` are not made again, an unfinished network goes on, so the same
    command goes on after any interruption, and with more rates it makes only the new ones.
    Raises UsageError for a store, folder or setting that does not fit, NoldoError for damaged data or a diverged loss.
    """
    begun = time.monotonic()
    data = open_store(store, settings.pretrain.label_source)
    check_store(settings.pretrain, data)
    layout = RobustnessLayout(out)
    material = _material(settings, data, truth)

    def told(done: int, total: int) -> None:
        on_progress(RobustnessProgress("labels", done, total, "locations", ""))

    arrays = make_label_arrays(settings.noise, material, layout.labels, told)
    trained = {
        array.name: _pretrained(settings, array, store, layout, truth, number, len(arrays), on_progress)
        for number, array in enumerate(arrays)
    }
    findings = _compared(settings, store, layout, arrays, trained, on_progress)
    result = {
        "settings": settings.model_dump(mode="json"),
        "store": str(store),
        "store_digest": data.digest,
        "clean": "labels" if material.truth is None else "truth",
        **describe_machine(choose_compute(settings.pretrain)),
        "seconds_this_call": time.monotonic() - begun,
        "networks": [asdict(row) for row in findings.networks],
        "layers": [asdict(row) for row in findings.layers],
        "parts": [asdict(row) for row in findings.parts],
    }
    write_findings(findings, settings, layout)
    write_json(layout.result, result)
    return RobustnessResult(layout, read_json(layout.result), findings)


def _material(settings: RobustnessSettings, data: TrainingStore, truth: AnyPath | None) -> Material:
    if not isinstance(settings.noise, PlanetNoise) and settings.noise.clean == "labels":
        return Material(data, None)
    if truth is None:
        raise UsageError(
            f"robustness.noise needs the true land cover, which is not known of {data.path}; "
            "take noise of kind 'blobs' with clean 'labels', for which the labels count as clean"
        )
    return Material(data, open_truth(truth, data))


def _told_to(settings: RobustnessSettings, array: LabelArray) -> PretrainSettings:
    return settings.pretrain.model_copy(update={"label_source": str(array.folder.resolve())})


def _pretrained(
    settings: RobustnessSettings,
    array: LabelArray,
    store: AnyPath,
    layout: RobustnessLayout,
    truth: AnyPath | None,
    number: int,
    total: int,
    on_progress: Tell,
) -> Mapping[str, Any]:
    """The result of the pretraining run on these labels."""

    def told(progress: PretrainProgress) -> None:
        detail = f"{array.name}, epoch {progress.epoch}/{progress.epochs}, loss {progress.train_loss:.3f}"
        on_progress(RobustnessProgress("networks", number, total, "networks", detail))

    told_to, out = _told_to(settings, array), layout.network(array.name)
    done = pretrain(told_to, store, out, reference=truth, resume=True, on_progress=told)
    on_progress(RobustnessProgress("networks", number + 1, total, "networks", array.name))
    return done.result


def _compared(
    settings: RobustnessSettings,
    store: AnyPath,
    layout: RobustnessLayout,
    arrays: list[LabelArray],
    trained: Mapping[str, Mapping[str, Any]],
    on_progress: Tell,
) -> Findings:
    """Compare every network with the clean one; of each only what is needed is held at a time."""
    learnt = settings.pretrain
    clean_labels = open_store(store, str(arrays[0].folder.resolve()))
    split = split_locations(clean_labels.locations, learnt.val_fraction, learnt.seed, ground_groups(clean_labels))
    ground = HeldOut(clean_labels, split, learnt, choose_compute(learnt))
    bands = len(S1_BANDS) if learnt.modalities == "s1" else learnt.s2_bands

    def viewed(name: str, network: SingleUNet, done: int) -> Viewed:
        def told(batches: int, of: int) -> None:
            detail = f"{name}, batch {batches}/{of}"
            on_progress(RobustnessProgress("layers", done, len(arrays) + 1, "networks", detail))

        return Viewed(network, see(network, ground, samples=settings.samples, on_progress=told))

    clean = viewed(CLEAN, finished_network(learnt, layout.network(CLEAN), ground.compute), 0)
    networks = [_network_row(arrays[0], clean, trained[CLEAN])]
    layers: list[LayerRow] = []
    for done, array in enumerate(arrays[1:], 1):
        noisy = viewed(array.name, finished_network(learnt, layout.network(array.name), ground.compute), done)
        networks.append(_network_row(array, noisy, trained[array.name]))
        layers += compare_layers(clean, noisy, name=array.name, rate=array.rate, bands=bands)
    untrained = viewed(UNTRAINED, untrained_network(ground), len(arrays))
    layers += compare_layers(clean, untrained, name=UNTRAINED, rate=None, bands=bands)
    on_progress(RobustnessProgress("layers", len(arrays) + 1, len(arrays) + 1, "networks", ""))
    return Findings(networks, layers)


def _network_row(array: LabelArray, viewed: Viewed, trained: Mapping[str, Any]) -> NetworkRow:
    found = viewed.seen.scores
    return NetworkRow(
        name=array.name,
        asked=array.asked,
        rate=array.rate,
        labelled=array.labelled,
        oa=found.oa,
        aa=found.aa,
        miou=found.miou,
        mf1=found.mf1,
        pixels=found.pixels,
        train_loss=trained["loss_last"],
        val_loss=trained["val_loss_last"],
        seconds=trained["seconds"],
    )
