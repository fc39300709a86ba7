"""The closing summary of a build: what came out, what it is worth, where it lies, what to try next."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from pipeline.files import file_sizes, open_path
from pipeline.funnel_step import FunnelStep, funnel_lines
from pipeline.ledger import Ledger, StageTally
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath


class Pretrained(Protocol):
    """What a summary needs of a finished pretraining."""

    @property
    def result(self) -> Mapping[str, Any]:
        """The content of its result.json."""
        ...


@dataclass(frozen=True)
class BuildSummary:
    """Everything the last screen says, and what --json prints."""

    run: str
    seconds: float
    parts_made: int
    """Parts and shards made in this run."""
    worked: bool
    """False where everything was there already."""
    funnel: tuple[FunnelStep, ...]
    tallies: Mapping[str, StageTally]
    store_bytes: int | None
    content_digest: str | None
    label_agreement: float | None
    """Share of labelled pixels whose label is true; emulator only."""
    pretrain: Mapping[str, Any] | None
    """result.json of the pretraining, where there was one."""
    unit: str = "Locations"
    """What the funnel counts."""

    def as_json(self) -> dict[str, Any]:
        """The summary as plain data."""
        return asdict(self)


def summarise(
    out: AnyPath,
    name: str,
    seconds: float,
    ledger: Ledger,
    steps: tuple[FunnelStep, ...],
    agreement: float | None,
    pretrained: Pretrained | None,
    worked: bool,
) -> BuildSummary:
    """Put together what a build has to say; `worked` is whether it made anything."""
    size, digest = _stored(RunLayout(out), (name,))
    result = None if pretrained is None else pretrained.result
    return BuildSummary(
        str(out), seconds, ledger.parts_made, worked, steps, ledger.tallies, size, digest, agreement, result
    )


def summarise_tiles(
    out: AnyPath, stores: Sequence[str], seconds: float, ledger: Ledger, steps: tuple[FunnelStep, ...], worked: bool
) -> BuildSummary:
    """The same for a build of a downstream set, whose `stores` are those that may be there."""
    size, digest = _stored(RunLayout(out), stores)
    made, tallies = ledger.parts_made, ledger.tallies
    return BuildSummary(str(out), seconds, made, worked, steps, tallies, size, digest, None, None, unit="Tiles")


def _stored(run: RunLayout, names: Sequence[str]) -> tuple[int | None, str | None]:
    """Bytes of the stores that are there, and the content digest that the manifest tells; None where there is none."""
    stores = [run.store(name) for name in names if run.store(name).is_dir()]
    provenance = run.manifest / "provenance.json"
    digest = json.loads(provenance.read_text())["content_digest"]["dataset"] if provenance.exists() else None
    return (sum(sum(file_sizes(store).values()) for store in stores) if stores else None), digest


def summary_lines(summary: BuildSummary) -> list[str]:
    """The last screen of a build."""
    run = RunLayout(open_path(summary.run))
    lines = ["", summary.unit, *funnel_lines(summary.funnel)]
    if not summary.worked:
        lines = ["", "Nothing to do: every stage of this build is there already.", *lines]
    requests = sum(t.requests for t in summary.tallies.values())
    if requests:
        retried = sum(t.retried for t in summary.tallies.values())
        received = sum(t.received_bytes for t in summary.tallies.values()) / 1e6
        lines.append(f"Requests   {requests} sent, {retried} of them tried again, {received:.0f} MB received")
    if summary.store_bytes is not None:
        lines.append(f"Store      {summary.store_bytes / 1e6:.0f} MB, content digest {summary.content_digest}")
    if summary.label_agreement is not None:
        lines.append(f"Labels     {summary.label_agreement:.1%} of the labelled pixels are right (planet's truth)")
    if summary.pretrain is not None:
        lines += pretrain_lines(summary.pretrain)
    lines += ["", f"Took {summary.seconds:.0f} s. It lies in {run.root}/:", *_places(run)]
    return [*lines, *_next_lines(run, summary)]


def pretrain_lines(result: Mapping[str, Any]) -> list[str]:
    """The loss before and after, and the scores of a pretraining."""
    against = "the planet's truth" if result["against"] == "truth" else "the noisy labels"
    lines = [
        f"Training   loss {result['loss_first']:.3f} -> {result['loss_last']:.3f}, "
        f"validation {result['val_loss_first']:.3f} -> {result['val_loss_last']:.3f}",
        f"Scores     on {result['locations_held_out']} held-out locations against {against}:",
    ]
    names = {
        "network_s2": "S2 network",
        "network_s1": "S1 network",
        "majority_class": "majority class of the labels",
    }
    labels = {key: "the noisy labels themselves" for key in result["scores"] if key.endswith("_label")}
    for key, name in (names | labels).items():
        score = result["scores"].get(key)
        if score is not None:
            lines.append(f"  {name:<30} OA {score['oa']:6.1%}   mIoU {score['miou']:6.1%}   mF1 {score['mf1']:6.1%}")
    return lines


def _places(run: RunLayout) -> list[str]:
    places = (
        ("store/", "the data (Zarr v3)"),
        ("manifest/", "index.parquet, checksums, provenance"),
        ("report.html", "maps, samples, histograms, curves"),
        ("pretrain/", "weights, log and scores"),
        ("events.jsonl", "every request"),
        ("events/", "every request"),
    )
    return [f"  {name:<14} {what}" for name, what in places if (run.root / name).exists()]


def _next_lines(run: RunLayout, summary: BuildSummary) -> list[str]:
    tries = [f"  noldo manifest verify {run.root}"] if summary.store_bytes is not None else []
    if summary.pretrain is not None:
        tries.append("  noldo build recipes/demo.yaml --out runs/bigger --set sample.count=400")
    elif tries and summary.unit == "Locations":
        tries.append("  # small enough for two CPU cores; recipes/pretrain-cromss-mid.yaml is the paper's, for a GPU")
        tries.append(f"  noldo pretrain recipes/demo.yaml --store {run.root} --out {run.root}-pretrain")
    return ["", "Try next:", *tries] if tries else []
