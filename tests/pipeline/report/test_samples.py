from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import zarr

from pipeline.report import picture, samples
from pipeline.report.gather import gather
from pipeline.report.samples import sample_views
from pipeline.schema.errors import NoldoError
from pipeline.schema.landcover import IGNORE


def test_a_sample_shows_its_own_row_over_four_seasons(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=3)
    run = gather(fake.layout)
    views = sample_views(run, fake.layout.store("nol"), fake.layout.truth)
    assert [view.location_id for view in views] == list(fake.kept)
    view = views[2]
    assert view.location == run.locations[2]
    assert view.epsg == 32631
    known = fake.label[2] != IGNORE
    assert view.labelled == pytest.approx(known.mean())
    assert view.agreement == pytest.approx((fake.label[2] == fake.truth[2])[known].mean())
    for season, shown in enumerate(view.seasons):
        assert shown.season == season
        assert shown.scenes is not None
        assert shown.scenes.s2_id == f"COPERNICUS/S2_HARMONIZED/S2_2_{season}"
        assert shown.label == picture.classes(fake.label[2, season])
        assert shown.truth == picture.classes(fake.truth[2, season])


def test_samples_are_chosen_evenly_and_without_the_truth_show_none(
    make_run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "SHOWN", 3)
    fake = make_run(stored=7)
    views = sample_views(gather(fake.layout), fake.layout.store("nol"), None)
    assert [view.row for view in views] == [0, 3, 6]
    assert all(season.truth is None for view in views for season in view.seasons)
    assert views[0].agreement is None


def test_a_store_without_an_index_is_shown_by_row(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=2)
    fake.layout.index.unlink()
    view = sample_views(gather(fake.layout), fake.layout.store("nol"), None)[1]
    assert (view.location_id, view.location, view.epsg, view.seasons[0].scenes) == ("row 1", None, None, None)


def test_a_damaged_chunk_is_an_expected_failure(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=2)
    label = np.full((2, 4, 32, 32), IGNORE, dtype=np.uint8)
    group = zarr.open_group(fake.layout.store("nol"))
    del group["dw"]
    group.create_array("dw", data=label, chunks=(1, 4, 32, 32), compressors=None, filters=None)
    chunk = next(path for path in (fake.layout.store("nol") / "dw" / "c").rglob("*") if path.is_file())
    chunk.write_bytes(b"short")
    with pytest.raises(NoldoError, match="cannot be read"):
        sample_views(gather(fake.layout), fake.layout.store("nol"), None)
