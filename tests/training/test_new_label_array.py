"""New label arrays are read by the fast reader, whole, and a damaged chunk of them is found out."""

from pathlib import Path

import numpy as np

from training.new_label_array import new_label_array
from training.shards import open_sharded


def test_a_new_array_is_sharded_and_checksummed_and_has_every_chunk(tmp_path: Path) -> None:
    array = new_label_array(tmp_path / "l", (5, 4, 8, 8), shard_rows=2, fill=255, attributes={"units": "1"})
    array[:] = np.full((5, 4, 8, 8), 255, np.uint8)
    assert (array.chunks, array.shards, array.fill_value) == ((1, 4, 8, 8), (2, 4, 8, 8), 255)
    assert dict(array.attrs) == {"units": "1"}
    assert len([p for p in (tmp_path / "l" / "c").rglob("*") if p.is_file()]) == 3, (
        "chunks of 255 alone are written too"
    )
    found = open_sharded(tmp_path / "l")
    assert found is not None
    assert found.chunk_shape == (1, 4, 8, 8)
