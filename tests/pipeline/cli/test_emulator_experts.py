"""`noldo emulator experts` as a user runs it."""

from pathlib import Path
from typing import Any

from pipeline.experts import index_experts


def test_tiles_are_written_where_asked_and_never_over_others(noldo: Any, noldo_here: Any, tmp_path: Path) -> None:
    out = tmp_path / "experts"
    ended = noldo("emulator", "experts", str(out), "--train", "1", "--test", "1", "--json")
    assert ended.status == 0
    assert [(t["split"], t["lacks"]) for t in ended.json["tiles"]] == [("train", ""), ("test", "")]
    assert {t.file for t in index_experts(out)[0]} == {t["file"] for t in ended.json["tiles"]}
    again = noldo_here("emulator", "experts", str(out))
    assert (again.status, again.err.strip()) == (2, f"noldo: {out} is not empty; remove it, or name a new folder")
