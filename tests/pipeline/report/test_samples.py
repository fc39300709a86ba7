from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import zarr

from pipeline.report import picture
from pipeline.report.gather import gather
from pipeline.report.layers import Layer
from pipeline.report.sample_view import SampleView
from pipeline.report.samples import sample_views
from pipeline.report.words import percent
from pipeline.schema.errors import NoldoError
from pipeline.schema.landcover import IGNORE


def layers(view: SampleView) -> dict[str, Layer]:
    return {layer.key: layer for layer in view.layers}


def test_a_sample_shows_its_own_row_over_four_seasons(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=3)
    views = sample_views(gather(fake.layout), fake.layout.store("nol"), fake.layout.truth, 12)
    assert [view.location_id for view in views] == list(fake.kept)
    view = views[2]
    known = fake.label[2] != IGNORE
    right = (fake.label[2] == fake.truth[2])[known].mean()
    place = "28.60° N, 77.20° E"
    assert view.facts == (
        place, "EPSG:32631", "row 2", f"{percent(known.mean(), 0)} labelled", f"{percent(right, 0)} of the labels right"
    )  # fmt: skip
    assert view.side_px == 32
    found = layers(view)
    assert list(found) == ["true", "infrared", "radar", "label", "truth", "errors"]
    assert [layer.legend for layer in view.layers] == ["", "", "", "dw", "dw", "errors"]
    for season, shown in enumerate(view.seasons):
        assert shown.name == f"Season {season + 1}"
        assert shown.scenes[0] == ("S2, 3.2 % cloud", f"S2_2_{season}")
        assert found["label"].pictures[season] == picture.classes(fake.label[2, season])
        assert found["truth"].pictures[season] == picture.classes(fake.truth[2, season])
        assert found["errors"].pictures[season] == picture.errors(fake.label[2, season], fake.truth[2, season])
    assert view.seasons[1].day == "19 Jun 2020"
    assert len({layer.pictures for layer in view.layers}) == 6


def test_samples_are_chosen_evenly_and_without_the_truth_show_none(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=7)
    views = sample_views(gather(fake.layout), fake.layout.store("nol"), None, 3)
    assert [view.facts[2] for view in views] == ["row 0", "row 3", "row 6"]
    assert all(not {"truth", "errors"} & layers(view).keys() for view in views)
    assert len(views[0].facts) == 4


def test_what_else_a_store_holds_is_a_layer(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=2)
    group = zarr.open_group(fake.layout.store("nol"))
    shape = fake.label.shape
    levels = np.arange(9, dtype=np.uint8)[None, None, :, None, None] * np.uint8(20)
    group.create_array("dw_prob", data=np.broadcast_to(levels, (shape[0], 4, 9, *shape[2:])).copy())
    added = group.create_group("labels")
    added.create_array("pl", data=fake.truth)
    added.create_array("pl_confidence", data=np.full(shape, 255, np.uint8))
    added.create_array(".half", data=fake.truth)
    added.create_array("other", data=fake.truth[:, :, :8])
    view = sample_views(gather(fake.layout), fake.layout.store("nol"), None, 2)[1]
    found = layers(view)
    assert list(found) == [
        "true", "infrared", "radar", "label", "probability", "added-pl", "added-pl_confidence",
    ]  # fmt: skip
    assert found["probability"].pictures[0] == picture.weights(np.full(shape[2:], 160 / 255, np.float32))
    assert found["added-pl"].pictures[3] == picture.classes(fake.truth[1, 3])
    assert (found["added-pl_confidence"].legend, found["added-pl"].name) == ("confidence", "Labels 'pl'")


def test_a_store_without_an_index_is_shown_by_row(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=2)
    fake.layout.index.unlink()
    view = sample_views(gather(fake.layout), fake.layout.store("nol"), None, 2)[1]
    assert (view.location_id, view.facts[0], view.seasons[0].scenes) == ("row 1", "row 1", ())


def test_a_damaged_chunk_is_an_expected_failure(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=2)
    label = np.full((2, 4, 32, 32), IGNORE, dtype=np.uint8)
    group = zarr.open_group(fake.layout.store("nol"))
    del group["dw"]
    group.create_array("dw", data=label, chunks=(1, 4, 32, 32), compressors=None, filters=None)
    chunk = next(path for path in (fake.layout.store("nol") / "dw" / "c").rglob("*") if path.is_file())
    chunk.write_bytes(b"short")
    with pytest.raises(NoldoError, match="cannot be read"):
        sample_views(gather(fake.layout), fake.layout.store("nol"), None, 2)
