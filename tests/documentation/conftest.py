"""What the tests that run pages share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

PLACE_OF_THE_DEMO = "0000052"


@pytest.fixture(scope="session")
def localised(small_run: tuple[Path, Any]) -> Callable[[str], str]:
    """A page's text with a location of the small build in the place of the demo's."""
    index = pq.read_table(small_run[0] / "manifest" / "index.parquet", columns=["location_id"])
    place = index["location_id"][0].as_py()
    return lambda text: text.replace(PLACE_OF_THE_DEMO, place)
