"""What a comparison over noise rates finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

from training.robustness.layers import Part

PARTS: tuple[Part, ...] = ("encoder", "decoder", "head")

UNTRAINED = "untrained"
"""The network that all begin as, with batch norm's statistics of the held-out images."""


def heading(rate: float | None) -> str:
    """What a network is called in tables and figures, by its noise rate."""
    return UNTRAINED if rate is None else f"{100 * rate:.1f} %"


@dataclass(frozen=True)
class NetworkRow:
    """One of the networks."""

    name: str
    """clean, or as its labels are called."""
    asked: float | str
    """Noise rate that was asked for; 0: clean."""
    rate: float
    """Share of the labelled pixels that its labels have wrong, counted over the store."""
    labelled: int
    """Pixels that have a label, in the store."""
    oa: float
    """Overall accuracy, against the clean labels of the held-out locations."""
    aa: float
    miou: float
    mf1: float
    pixels: int
    """Pixels scored."""
    train_loss: float
    """Of the last epoch, against its own labels."""
    val_loss: float
    """Likewise."""
    seconds: float
    """Spent training."""


@dataclass(frozen=True)
class LayerRow:
    """A layer of a network, beside the same layer of the one that learnt clean labels."""

    network: str
    """Its labels' name, or untrained."""
    rate: float | None
    """As its network's; None: untrained."""
    layer: str
    """encoder 1, decoder 5, head."""
    part: Part
    channels: int
    samples: int
    """Pixels compared."""
    cka: float | None
    """Linear CKA, unbiased estimate; None where either layer is constant."""
    cka_plain: float | None
    """Linear CKA, plain estimate."""
    bn_kl: float | None
    """Symmetric KL divergence of batch norm's stored Gaussians, nats, mean over channels, then over the layer's batch
    norms; None where it has none, and of the untrained network."""
    bn_layers: int
    """How many were compared."""


@dataclass(frozen=True)
class PartRow:
    """Encoder, decoder or head of a network as a whole."""

    network: str
    rate: float | None
    part: Part
    cka: float | None
    """Mean over the part's layers."""
    bn_kl: float | None
    """Mean over the part's layers that have batch norm."""


@dataclass(frozen=True)
class Findings:
    """All of it."""

    networks: Sequence[NetworkRow]
    """The clean one first, then by rising rate."""
    layers: Sequence[LayerRow]
    """By network, by rising rate and the untrained one last, then in the order that an image passes the layers."""

    @property
    def by_network(self) -> list[list[LayerRow]]:
        """The layers of each network that was compared with the clean one."""
        names = dict.fromkeys(row.network for row in self.layers)
        return [[row for row in self.layers if row.network == name] for name in names]

    @property
    def parts(self) -> list[PartRow]:
        """Means over the layers of each part, by network."""
        return [
            PartRow(
                network=rows[0].network,
                rate=rows[0].rate,
                part=part,
                cka=_mean([row.cka for row in rows if row.part == part]),
                bn_kl=_mean([row.bn_kl for row in rows if row.part == part]),
            )
            for rows in self.by_network
            for part in PARTS
        ]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None
