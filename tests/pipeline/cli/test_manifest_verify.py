"""`noldo manifest verify` from the command line."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_it_ends_with_0_only_if_all_holds(
    noldo: Callable[..., Any], small_run: tuple[Path, Any], tmp_path: Path
) -> None:
    for name in ("manifest", "store"):
        shutil.copytree(small_run[0] / name, tmp_path / name, ignore=shutil.ignore_patterns(".*"))
    ended = noldo("manifest", "verify", tmp_path, "--json")
    assert (ended.status, json.loads(ended.out)["findings"]) == (0, [])
    assert "verify:" in ended.err
    (tmp_path / "manifest/funnel.json").unlink()
    ended = noldo("manifest", "verify", tmp_path)
    assert ended.status == 1
    assert "    manifest/funnel.json: listed, but not there" in ended.out.splitlines()
    verdict, advice = ended.out.splitlines()[-2:]
    assert verdict == f"{tmp_path}: 1 thing does not hold"
    assert advice.startswith(f"    -> files: noldo manifest repair {tmp_path} --from COPY")


def test_wrong_use(noldo: Callable[..., Any], tmp_path: Path) -> None:
    for arguments, what in (
        ([tmp_path], "is not there; give the folder"),
        ([Path(__file__)], "is a file; give the folder"),
        (["http:///"], "names no server"),
    ):
        ended = noldo("manifest", "verify", *arguments)
        assert ended.status == 2
        assert what in ended.err
        assert "Traceback" not in ended.err
