"""What several networks make of the same tiles.

Dimensions: C bands, H rows, W columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.errors import NoldoError
from pipeline.schema.landcover import IGNORE, LandCoverClass
from training.analysis.runs import PretrainRun, TransferRun, load_network
from training.analysis.subject import AnalysisSettings
from training.analysis.tile_view import see_tiles
from training.analysis.unet_parts import modalities_of
from training.compute import Compute
from training.modality import Modality
from training.transfer.tile_store import LEGENDS, TileStore


@dataclass(frozen=True)
class MapTile:
    """One tile and what networks make of it."""

    row: int
    """Of its store."""
    images: Mapping[Modality, NDArray[np.generic]]
    """(C, H, W), raw, of the modalities that any of the networks sees."""
    label: NDArray[np.uint8]
    """(H, W): place in the legend, or 255."""
    predictions: Mapping[str, NDArray[np.uint8]]
    """(H, W) each, by the network's name."""

    def accuracy(self, name: str) -> float | None:
        """Share of the labelled pixels that a network has right; None where no pixel is labelled."""
        labelled = self.label != IGNORE
        return float((self.predictions[name] == self.label)[labelled].mean()) if labelled.any() else None


@dataclass(frozen=True)
class MapSet:
    """Tiles of one test store."""

    dataset: str
    """dw, osm or dfc2020."""
    legend: tuple[LandCoverClass, ...]
    tiles: tuple[MapTile, ...]


@dataclass(frozen=True)
class TileAccuracy:
    """One network on one tile."""

    dataset: str
    row: int
    network: str
    accuracy: float | None
    """Share of the labelled pixels that is right, 0..1; None where none is labelled."""


def transfer_maps(runs: Sequence[TransferRun], count: int) -> list[MapSet]:
    """Bring together what the runs kept of their test tiles, one set for each test store, `count` tiles of each.

    Tiles that most of the runs kept come first. NoldoError for predictions.npz that cannot be read.
    """
    by_store: dict[str, list[TransferRun]] = {}
    for run in runs:
        by_store.setdefault(str(run.record["test"]["digest"]), []).append(run)
    return [found for group in by_store.values() if (found := _together(group, count)).tiles]


def pretraining_maps(
    runs: Sequence[PretrainRun], stores: Mapping[Modality, TileStore], settings: AnalysisSettings, compute: Compute
) -> MapSet:
    """Let the newest network of each run predict the same few tiles, those with most classes in their labels."""
    store = next(iter(stores.values()))
    rows = _varied_rows(store, settings.shown_patches)
    images: dict[int, dict[Modality, NDArray[np.generic]]] = {int(row): {} for row in rows}
    labels: dict[int, NDArray[np.uint8]] = {}
    predictions: dict[int, dict[str, NDArray[np.uint8]]] = {int(row): {} for row in rows}
    for run in runs:
        network = load_network(run, run.last, compute)
        for modality in reversed(modalities_of(run.settings)):
            for seen in see_tiles(network, run, stores[modality], rows, settings=settings, compute=compute):
                for at, row in enumerate(seen.rows.tolist()):
                    images[row][modality] = seen.image[at].numpy()
                    labels[row] = seen.label[at].numpy()
                    predictions[row][f"{run.name}, {modality.upper()}"] = seen.prediction[at].numpy()
    tiles = tuple(MapTile(row, images[row], labels[row], predictions[row]) for row in images)
    return MapSet("dw", store.classes, tiles)


def accuracies(maps: MapSet) -> list[TileAccuracy]:
    """How much of each tile each network has right."""
    return [
        TileAccuracy(maps.dataset, tile.row, name, tile.accuracy(name))
        for tile in maps.tiles
        for name in tile.predictions
    ]


def _together(runs: Sequence[TransferRun], count: int) -> MapSet:
    kept = {run.name: _read(run) for run in runs}
    rows = [int(row) for arrays in kept.values() for row in arrays["row"]]
    chosen = sorted(set(rows), key=lambda row: (-rows.count(row), row))[:count]
    tiles = []
    for row in sorted(chosen):
        holders = [(run, kept[run.name]) for run in runs if row in kept[run.name]["row"]]
        places = [(run, arrays, int(np.flatnonzero(arrays["row"] == row)[0])) for run, arrays in holders]
        _, first, place = places[0]
        tiles.append(
            MapTile(
                row=row,
                images={run.modality: arrays[run.modality][at] for run, arrays, at in places},
                label=first["label"][place],
                predictions={run.name: arrays["prediction"][at] for run, arrays, at in places},
            )
        )
    label = runs[0].record["test"]["label"]
    return MapSet(str(runs[0].result["dataset"]), LEGENDS[label], tuple(tiles))


def _read(run: TransferRun) -> dict[str, NDArray[Any]]:
    path = run.layout.predictions
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, KeyError) as error:
        raise NoldoError(f"{path} cannot be read ({error}); delete its folder and run noldo transfer again") from error


def _varied_rows(store: TileStore, count: int) -> NDArray[np.int64]:
    """Rows of the tiles whose labels have most classes, each with a hundredth of the tile at least, in store order."""
    numbers = store.class_numbers()
    classes = []
    for row in range(store.tiles):
        label_HW = numbers[store.label[row].read().result()]
        counts = np.bincount(label_HW[label_HW != IGNORE], minlength=len(store.classes))
        classes.append(int((counts >= 0.01 * label_HW.size).sum()))
    best = np.argsort(-np.array(classes), kind="stable")[:count]
    return np.sort(best).astype(np.int64)
