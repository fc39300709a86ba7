"""What is written opens in the readers that docs/how-to/reading.md shows."""

import contextlib
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.reading import open_dataset, open_patch

DOCUMENT = Path(__file__).parents[3] / "docs" / "how-to" / "reading.md"


def test_our_own_readers(ours: Any) -> None:
    opened = open_dataset(ours.run.root)
    ordered = sorted(ours.rows, key=lambda row: row.row)
    assert list(opened.location_id.values) == [row.location_id for row in ordered]
    patch, last = open_patch(ours.run.root, ordered[-1].location_id, 2), ordered[-1].location_id
    np.testing.assert_array_equal(patch.dw, ours.patches[last].dw[2])
    match = next(m for m in ours.matches if (m.location_id, m.season) == (last, 2))
    assert patch.s2_id.item() == match.s2_id
    assert patch.s2_datetime.values == np.datetime64(match.s2_time.replace(tzinfo=None))
    place = next(place for place in ours.locations if place.location_id == last)
    np.testing.assert_array_equal(patch.x, place.grid.centres_m()[0])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what mlcroissant rests on
def test_mlcroissant_as_documented(ours: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(import mlcroissant.*?)```", DOCUMENT.read_text(), re.DOTALL)
    with contextlib.chdir(ours.run.root):
        exec(compile(code, str(DOCUMENT), "exec"), {"__name__": "block"})  # noqa: S102 - our own document
    first = open_dataset(ours.run.root).isel(location=0, season=0)
    location_id, season, time = capsys.readouterr().out.split(" ", 2)
    assert (location_id, season) == (first.location_id.item(), "0")
    assert time.startswith(str(first.s2_datetime.values.astype("datetime64[s]")).replace("T", " "))
