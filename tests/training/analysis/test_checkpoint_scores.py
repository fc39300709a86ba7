from pathlib import Path

import numpy as np
import pytest
import torch
import zarr
from sklearn.metrics import accuracy_score, jaccard_score, recall_score
from torch.nn.functional import pad

from pipeline.schema.bands import S1_SCALING, S2_SCALING
from training.analysis.checkpoint_scores import checkpoint_scores
from training.analysis.run_data import RunData
from training.analysis.runs import PretrainRun, load_network
from training.analysis.subject import AnalysisSettings
from training.analysis.tile_view import network_image, see_tiles
from training.compute import Compute
from training.modality import Modality
from training.transfer.tile_store import TileStore, open_tile_store


@pytest.fixture(scope="module")
def stores(tiles_path: Path) -> dict[Modality, TileStore]:
    return {m: open_tile_store(tiles_path, m, "dw") for m in ("s1", "s2")}


def by_hand(run: PretrainRun, store: TileStore, modality: Modality, compute: Compute) -> np.ndarray:
    """Tile by tile: scaled as the pretraining store, mirrored from 40 to 64 px, the centre kept."""
    network = load_network(run, run.last, compute)
    scaling = {"s1": S1_SCALING, "s2": S2_SCALING}[modality]
    group = zarr.open_group(store.path, mode="r")
    predictions = []
    for raw in np.asarray(group[modality]):
        image = torch.from_numpy(scaling.to_uint8(raw)).float()[None] / 255.0
        both = {"s1": torch.zeros(1, 2, 64, 64), "s2": torch.zeros(1, 13, 64, 64)}
        both[modality] = pad(image, (12, 12, 12, 12), mode="reflect")
        with torch.no_grad():
            logits = network(both["s1"], both["s2"])[modality]
        predictions.append(logits[0, :, 12:52, 12:52].argmax(0).numpy())
    return np.stack(predictions)


@pytest.mark.parametrize("tile_batch", [1, 2])
def test_scores_are_sklearns_over_all_tiles_at_once(
    tile_batch: int, both: PretrainRun, stores: dict[Modality, TileStore], compute: Compute
) -> None:
    settings = AnalysisSettings(tile_batch=tile_batch)
    rows = list(checkpoint_scores(both, both.last, stores, settings=settings, compute=compute))
    assert [(row.run, row.modality, row.epoch) for row in rows] == [("both", "s1", 2), ("both", "s2", 2)]
    label = np.asarray(zarr.open_group(stores["s1"].path, mode="r")["dw"])
    known = label != 255
    for row in rows:
        predicted = by_hand(both, stores[row.modality], row.modality, compute)
        assert row.pixels == known.sum()
        assert row.oa == pytest.approx(accuracy_score(label[known], predicted[known]))
        present = np.unique(label[known])
        of_each = jaccard_score(label[known], predicted[known], labels=present, average=None, zero_division=0)
        assert row.miou == pytest.approx(of_each.mean())
        recalls = recall_score(label[known], predicted[known], labels=present, average=None, zero_division=0)
        assert row.aa == pytest.approx(recalls.mean())


def test_the_image_is_what_the_pretraining_store_held(
    both: PretrainRun, stores: dict[Modality, TileStore], data: RunData
) -> None:
    source = zarr.open_group(data.store.path, mode="r")
    for modality, store in stores.items():
        raw = torch.from_numpy(np.asarray(zarr.open_group(store.path, mode="r")[modality]))
        stored = torch.from_numpy(np.asarray(source[modality])[:3, 0, :, :40, :40]).float() / 255.0
        # Digital numbers are whole, and a step of the narrowest band, B10, is 0.8 of one; none is below 0.
        apart = (network_image(raw, both, modality) - stored).abs()
        assert apart[torch.from_numpy(raw.numpy() > 0) | (modality == "s1")].max() <= 1.0 / 255.0 + 1e-6


def test_windows_cover_the_tile(both: PretrainRun, stores: dict[Modality, TileStore], compute: Compute) -> None:
    network = load_network(both, both.last, compute)
    rows = np.arange(3)
    seen = list(see_tiles(network, both, stores["s2"], rows, settings=AnalysisSettings(window_px=32), compute=compute))
    assert torch.cat([s.prediction for s in seen]).shape == (3, 40, 40)
    assert np.concatenate([s.rows for s in seen]).tolist() == [0, 1, 2]
