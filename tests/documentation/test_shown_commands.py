"""What is a command on a page, and what is not."""

from pathlib import Path

import pytest

from documentation.shown_commands import Block, Shown, blocks, commands, inline_commands


def page(folder: Path, text: str) -> Path:
    path = folder / "page.md"
    path.write_text(text)
    return path


def shown(text: str) -> list[str]:
    return [one.text for one in commands(Block("page.md", 1, "sh", text))]


def test_languages_are_told(tmp_path: Path) -> None:
    text = (
        "    make demo   # said\n\nthen\n\n    runs/demo/report.html   a page\n\n"
        "```python\nimport numpy\n```\n\n```text\nnoldo: refused\n```\n\n    from pathlib import Path\n\n"
        "and\n\n    NOLDO_X=1 .venv/bin/python -m pytest\n"
    )
    found = blocks(page(tmp_path, text), tmp_path)
    assert [one.language for one in found] == ["sh", "other", "python", "other", "python", "sh"]
    assert found[0].line == 1


def test_lines_are_joined_and_comments_dropped() -> None:
    assert shown("noldo build a.yaml \\\n    --out b  # both\n\n# alone\nmake demo\n") == [
        "noldo build a.yaml      --out b",
        "make demo",
    ]
    assert shown("noldo build a --set 'name=#1'") == ["noldo build a --set 'name=#1'"]
    assert len(shown("for a in 1 2; do\n  noldo plan $a\ndone\nmake demo")) == 2
    assert len(shown('python -c "\nprint(1)\n"\nmake demo')) == 2
    assert len(shown("cat > job.sh <<'EOF'\n#!/bin/bash\nnoldo plan it's\nEOF\nsbatch job.sh")) == 2
    assert shown("noldo plan A [--x X]\n           [--y]") == ["noldo plan A [--x X] [--y]"]
    with pytest.raises(ValueError, match="does not end"):
        shown("noldo build 'a")


def test_commands_are_taken_apart() -> None:
    block = Block("page.md", 1, "sh", "")
    text = "cd a && X=1 noldo plan 'b c' > out.txt | tail; (make demo &)"
    assert Shown(block, text).simple() == [["cd", "a"], ["noldo", "plan", "b c"], ["tail"], ["make", "demo"]]


@pytest.mark.parametrize(
    ("text", "is_synopsis"),
    [
        ("noldo plan RECIPE [--survive SHARE]", True),
        ("noldo completion bash|zsh|fish", True),
        ("noldo build ... --retry permanent", True),
        ("noldo build a.yaml --set 'anchors=[2019-12-21, 2019-09-22]'", False),
        ("noldo plan recipes/nol.yaml", False),
    ],
)
def test_a_synopsis_is_told_from_a_command(text: str, is_synopsis: bool) -> None:
    assert Shown(Block("page.md", 1, "sh", text), text).is_synopsis == is_synopsis


def test_commands_in_the_text(tmp_path: Path) -> None:
    found = inline_commands(page(tmp_path, "Say `noldo plan`, `make demo`, or `noldo.yaml`.\n"), tmp_path)
    assert [one.text for one in found] == ["noldo plan", "make demo"]
