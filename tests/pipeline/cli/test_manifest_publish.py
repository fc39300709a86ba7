"""`noldo manifest publish` as a user runs it."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest

from pipeline.cli.main import noldo as command
from pipeline.files import file_sizes

ROOT = Path(__file__).parents[3]


@pytest.fixture
def tokenless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))


def test_a_run_is_released_once_verified_and_whole(noldo: Any, small_run: tuple[Path, Any], tmp_path: Path) -> None:
    out = small_run[0]
    ended = noldo("manifest", "publish", out, tmp_path / "released", "--json")
    assert ended.status == 0, ended.err
    told = ended.json
    marker = json.loads((tmp_path / "released/releases/0.1.0.json").read_bytes())
    assert {key: told[key] for key in marker} == marker
    assert (told["published"], told["reused"]) == (True, 0)
    sizes = file_sizes(tmp_path / "released/0.1.0")
    assert (len(sizes), sum(sizes.values())) == (marker["files"], marker["bytes"])
    assert noldo("manifest", "verify", tmp_path / "released/0.1.0").status == 0
    again = noldo("manifest", "publish", out, tmp_path / "released")
    assert again.status == 1
    assert again.err.startswith("noldo: 0.1.0 is released already in ")
    assert len(again.err.splitlines()) == 1


def test_without_a_token_it_tells_what_would_be_sent(noldo: Any, small_run: tuple[Path, Any], tokenless: None) -> None:
    ended = noldo("manifest", "publish", small_run[0], "hf://datasets/we/small")
    assert ended.status == 1
    assert "marker          tag 0.1.0" in ended.out.splitlines()
    assert any(
        line.startswith("hub files ") and line.endswith("of fewer than 100000") for line in ended.out.splitlines()
    )
    assert ended.err.strip().endswith("set HF_TOKEN or run hf auth login")


@pytest.mark.parametrize("guide", ["docs/how-to/publishing.md", "docs/how-to/manifests.md", "manifests/README.md"])
def test_guides_name_commands_and_options_that_there_are(guide: str) -> None:
    text = (ROOT / guide).read_text().replace("\\\n", " ")
    found = [line for line in re.findall(r"^    noldo (.*)$", text, re.MULTILINE) if "|" not in line]
    assert found
    for line in found:
        words = shlex.split(line.replace("[", "").replace("]", ""), comments=True)
        context, node = click.Context(command), command
        while isinstance(node, click.Group):
            child = node.get_command(context, words.pop(0))
            assert child is not None, line
            context, node = click.Context(child, context), child
        node.make_parser(context).parse_args(words)
