"""What a comparison leaves: tables as Markdown and CSV, and the figure."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from training.analysis.figures.style import styled
from training.json_file import write_whole
from training.robustness.figure import draw
from training.robustness.findings import PARTS, Findings, LayerRow, heading
from training.robustness.layout import RobustnessLayout
from training.robustness.settings import PlanetNoise, RobustnessSettings

Cells = Sequence[str]


def write_findings(findings: Findings, settings: RobustnessSettings, layout: RobustnessLayout) -> None:
    """Write the tables and the figure into the comparison's folder."""
    write_whole(layout.markdown, markdown(findings, settings))
    write_whole(layout.layers, _csv([asdict(row) for row in findings.layers]))
    write_whole(layout.networks, _csv([asdict(row) for row in findings.networks]))
    with styled():
        figure = draw(findings, title=describe(settings))
        for suffix in ("png", "svg"):
            figure.savefig(layout.figure(suffix), metadata={"Date": None} if suffix == "svg" else None)


def describe(settings: RobustnessSettings) -> str:
    """The networks and their noise in a line."""
    learnt, noise = settings.pretrain, settings.noise
    sensor = "Sentinel-1" if learnt.modalities == "s1" else "Sentinel-2"
    if isinstance(noise, PlanetNoise):
        said = "the labels' own mistakes"
    else:
        clean = "the labels count as clean" if noise.clean == "labels" else "clean is the truth"
        said = f"blobs of {noise.blob_px} px, {noise.transition} transition, {clean}"
    return f"{sensor}, U-Net with {learnt.encoder}, {learnt.epochs} epoch{'s' * (learnt.epochs > 1)}; noise: {said}"


def markdown(findings: Findings, settings: RobustnessSettings) -> str:
    """All tables as a document: scores, CKA and divergence by layer, and their means by part."""
    by_rate = findings.by_network
    names = [heading(rows[0].rate) for rows in by_rate]
    trained = [rows for rows in by_rate if rows[0].rate is not None]
    parts = [
        [heading(of[0].rate), *(_number(part.cka) for part in of), *(_number(part.bn_kl) for part in of[:2])]
        for of in (findings.parts[at : at + len(PARTS)] for at in range(0, len(findings.parts), len(PARTS)))
    ]
    heads = ["noise rate", *(f"CKA, {part}" for part in PARTS), "BN KL, encoder", "BN KL, decoder"]
    return "\n".join(
        [
            "# Label noise, layer by layer",
            "",
            f"{describe(settings)}. Each network learnt labels of which the stated share is wrong and is compared",
            "with the one that learnt clean labels; the rest is the same: initial weights, order, seasons, crops.",
            "",
            "## Scores against the clean labels of the held-out locations, %",
            "",
            *_table(["noise rate", "OA", "AA", "mIoU", "mF1"], _scores(findings)),
            "",
            "## Linear CKA with the clean network (unbiased estimate; 1: alike, 0: nothing in common)",
            "",
            "Untrained: the network that all begin as; a layer that is still like it has hardly been trained at all.",
            "",
            *_table(["layer", "channels", "pixels", *names], _by_layer(by_rate, "cka")),
            "",
            "## Symmetric KL divergence of batch norm's statistics from the clean network's, nats",
            "",
            *_table(["layer", "channels", "pixels", *names[: len(trained)]], _by_layer(trained, "bn_kl")),
            "",
            "## Means over the layers of each part",
            "",
            *_table(heads, parts),
            "",
        ]
    )


def _scores(findings: Findings) -> list[Cells]:
    return [
        [heading(n.rate), *(f"{100 * score:.1f}" for score in (n.oa, n.aa, n.miou, n.mf1))] for n in findings.networks
    ]


def _by_layer(by_rate: Sequence[Sequence[LayerRow]], field: str) -> list[Cells]:
    return [
        [rows[0].layer, str(rows[0].channels), str(rows[0].samples), *(_number(getattr(row, field)) for row in rows)]
        for rows in zip(*by_rate, strict=True)
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _table(heads: Cells, rows: Sequence[Cells]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (heads, ["---:"] * len(heads), *rows)]


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
