from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.report import selection
from pipeline.report.gather import IndexRow, gather
from pipeline.report.selection import read_selection
from pipeline.schema.errors import NoldoError
from pipeline.schema.landcover import IGNORE
from pipeline.schema.layout import PretrainLayout


def no_scenes(rows: Collection[int]) -> tuple[IndexRow, ...]:
    """Of a run without an index."""
    return ()


def masks_of(make_run: Callable[..., Any]) -> Path:
    return PretrainLayout(make_run().layout.pretrain).masks


def rewrite(path: Path, drop: tuple[str, ...] = (), **add: Any) -> None:
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files if name not in drop}
    np.savez(path, **{**arrays, **add})


def test_masks_stand_beside_the_true_errors_of_the_labels(make_run: Callable[..., Any]) -> None:
    fake = make_run()
    found = read_selection(PretrainLayout(fake.layout.pretrain).masks, gather(fake.layout).scenes_of)
    assert (found.saved, found.has_truth, len(found.views)) == (3, True, 3)
    view = found.views[1]
    assert (view.row, view.season, view.location_id, view.date) == (1, 1, fake.kept[1], "19 Jun 2020")
    names = [panel.name for panel in view.panels]
    assert names == [
        "Sentinel-2", "Sentinel-1", "DW label", "Truth", "Label errors", "Weight S2", "Weight S1",
        "Prediction S2", "Prediction S1",
    ]  # fmt: skip
    label, truth = fake.label[1, 1], fake.truth[1, 1]
    wrong = (label != truth)[label != IGNORE].mean()
    assert view.panels[4].note == f"{100 * wrong:.0f}\u202f% wrong"


def test_weights_over_right_and_wrong_labels_are_told_apart(make_run: Callable[..., Any]) -> None:
    path = masks_of(make_run)
    found = read_selection(path, no_scenes)
    with np.load(path) as archive:
        known = archive["label"] != IGNORE
        right = known & (archive["label"] == archive["truth"])
        weight = archive["weight_s2"].astype(float)
    spread = next(s for s in found.spreads if s.modality == "s2")
    assert spread.right_mean == pytest.approx(weight[right].mean())
    assert spread.wrong_mean == pytest.approx(weight[known & ~right].mean())
    assert spread.right_mean > spread.wrong_mean + 0.3
    assert sum(spread.right_share) == pytest.approx(1.0)
    assert sum(spread.wrong_share) == pytest.approx(1.0)


def test_training_locations_are_named_and_left_out_of_the_weights(make_run: Callable[..., Any]) -> None:
    fake = make_run()
    path = PretrainLayout(fake.layout.pretrain).masks
    rewrite(path, held_out=np.array([True, False, False]))
    found = read_selection(path, gather(fake.layout).scenes_of)
    assert [view.date.endswith("training location") for view in found.views] == [False, True, True]
    assert found.views[1].date == "19 Jun 2020, training location"
    assert read_selection(path, no_scenes).views[1].date == "training location"
    with np.load(path) as archive:
        label, truth, weight = (archive[name][0] for name in ("label", "truth", "weight_s2"))
    spread = next(s for s in found.spreads if s.modality == "s2")
    assert spread.right_mean == pytest.approx(weight[(label != IGNORE) & (label == truth)].astype(float).mean())
    rewrite(path, held_out=np.zeros(3, bool))
    assert read_selection(path, no_scenes).spreads == ()


def test_without_the_truth_the_masks_are_shown_and_no_errors_claimed(make_run: Callable[..., Any]) -> None:
    path = masks_of(make_run)
    rewrite(path, drop=("truth", "prediction_s1", "prediction_s2"))
    found = read_selection(path, no_scenes)
    assert (found.has_truth, found.spreads) == (False, ())
    assert [p.name for p in found.views[0].panels] == ["Sentinel-2", "Sentinel-1", "DW label", "Weight S2", "Weight S1"]
    assert found.views[2].location_id == "row 2"


def test_only_so_many_locations_are_shown(make_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "SHOWN", 2)
    found = read_selection(masks_of(make_run), no_scenes)
    assert (found.saved, len(found.views)) == (3, 2)


def test_a_network_of_one_modality_shows_the_masks_of_that_one(make_run: Callable[..., Any]) -> None:
    path = masks_of(make_run)
    rewrite(path, drop=("weight_s1", "prediction_s1"))
    found = read_selection(path, no_scenes)
    assert [spread.modality for spread in found.spreads] == ["s2"]
    names = [panel.name for panel in found.views[0].panels]
    assert [name for name in names if name.startswith(("Weight", "Prediction"))] == ["Weight S2", "Prediction S2"]


def test_what_is_missing_or_damaged_is_named(make_run: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(NoldoError, match="not there yet"):
        read_selection(tmp_path / "masks.npz", no_scenes)
    path = masks_of(make_run)
    rewrite(path, drop=("weight_s1", "weight_s2"))
    with pytest.raises(NoldoError, match="lacks the arrays weight_s1 and weight_s2"):
        read_selection(path, no_scenes)
    rewrite(path, drop=("label",))
    with pytest.raises(NoldoError, match="lacks the arrays label"):
        read_selection(path, no_scenes)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(NoldoError, match="cannot be read"):
        read_selection(path, no_scenes)
