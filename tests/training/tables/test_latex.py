import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.tables.latex import escaped, latex
from training.tables.table import Cell, Row, Table

NASTY = '100 % of _a_ & {b} $c$ #d ~e ^f \\g <h> |i| "j"'

FRAME = """\\documentclass{article}
\\usepackage[T1]{fontenc}
\\usepackage{booktabs,adjustbox}
\\begin{document}
\\input{tables}
\\end{document}
"""


def nasty_table() -> Table:
    heads = (("A & B", "frozen", "OA"), ("A & B", "frozen", "AA"), ("C", "fine-tuned", "OA"))
    rows = (
        Row((NASTY, "paper"), (Cell(1.0, 0.1), None, Cell(3.0)), "paper", "1"),
        Row(("x", "ours"), (Cell(-2.0, interval=(-3.0, 1.0), difference=True, bold=True), None, None), "ours", "2"),
    )
    return Table("my-key", f"Title {NASTY}", ("Name", "Source"), heads, rows, (NASTY,))


def test_heads_reach_over_their_columns_and_rules_part_blocks() -> None:
    text = latex(["Two\nlines."], [nasty_table()])
    lines = text.splitlines()
    assert "% Two lines." in lines
    assert "\\begin{tabular}{@{}llrrr@{}}" in lines
    assert " &  & \\multicolumn{2}{c}{A \\& B} & \\multicolumn{1}{c}{C} \\\\" in lines
    assert lines.count("\\cmidrule(lr){3-4} \\cmidrule(lr){5-5}") == 2
    assert "Name & Source & \\multicolumn{1}{r}{OA} & \\multicolumn{1}{r}{AA} & \\multicolumn{1}{r}{OA} \\\\" in lines
    assert "x & ours & \\textbf{$-$2.00 [$-$3.00, +1.00]} & -- & -- \\\\" in lines
    assert [lines.count(rule) for rule in ("\\toprule", "\\midrule", "\\bottomrule")] == [1, 2, 1]
    assert "\\label{tab:my-key}" in lines


def test_every_row_has_all_columns_and_every_group_ends() -> None:
    text = latex([], [nasty_table(), nasty_table()])
    begun = re.findall(r"\\begin\{([^}]*)\}", text)
    ended = re.findall(r"\\end\{([^}]*)\}", text)
    assert sorted(begun) == sorted(ended)
    for line in text.splitlines():
        if line.endswith("\\\\"):
            spanned = sum(int(width) - 1 for width in re.findall(r"\\multicolumn\{(\d+)\}", line))
            assert len(re.findall(r"(?<!\\)&", line)) + spanned == 4


@given(st.text())
@settings(deadline=None, max_examples=100)
def test_no_mark_is_left_unescaped(words: str) -> None:
    plain = escaped(words)
    for command in (
        r"\textbackslash{}",
        r"\textasciitilde{}",
        r"\textasciicircum{}",
        r"\textless{}",
        r"\textgreater{}",
    ):
        plain = plain.replace(command, "")
    for command in (r"\textbar{}", r"\textquotedbl{}", r"$\pm$", "$-$", *(f"\\{mark}" for mark in "&%$#_{}")):
        plain = plain.replace(command, "")
    assert not set(plain) & set('\\&%$#_{}~^<>|"\n')


def test_a_document_with_nasty_names_compiles(tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None or shutil.which("kpsewhich") is None:
        pytest.skip("no pdflatex here")
    if subprocess.run(["kpsewhich", "adjustbox.sty", "booktabs.sty"], capture_output=True, check=False).returncode:
        pytest.skip("LaTeX is here without adjustbox and booktabs")
    (tmp_path / "tables.tex").write_text(latex(["Words."], [nasty_table()]))
    (tmp_path / "main.tex").write_text(FRAME)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-draftmode", "main.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-1500:]
