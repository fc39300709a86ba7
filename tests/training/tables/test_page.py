import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import pytest
from PIL import Image

from training.tables.curve import efficiency_figure, themed_svg
from training.tables.differences import Pairing, differences
from training.tables.efficiency_table import efficiency_lines
from training.tables.page import page
from training.tables.runs import TransferRun
from training.tables.write import INTRODUCTION, all_tables

Browse = Callable[..., tuple[str, list[str]]]
"""Opens a page in a real browser, see tests/conftest.py."""

MakeRun = Callable[..., TransferRun]


@pytest.fixture
def written(make_run: MakeRun, tmp_path: Path) -> Path:
    runs = [
        make_run(name, 0.2 + extra, 0.3 + extra, encoder=encoder, train_share=share, train_tiles=round(12 * share))
        for name, extra in (("random", 0.0), ("<script>x()</script>", 0.1), ("midF", 0.2))
        for encoder in ("frozen", "fine-tuned")
        for share in (0.5, 1.0)
    ]
    tables = all_tables(runs, differences(runs, Pairing()))
    figures = {"label-efficiency-dw": themed_svg(efficiency_figure("dw", efficiency_lines("dw", runs)))}
    path = tmp_path / "tables.html"
    path.write_text(page("Title", INTRODUCTION, ["A notice & more."], tables, figures))
    return path


def test_names_are_words_and_nothing_is_asked_for_from_outside(written: Path) -> None:
    text = written.read_text()
    assert "<script>x()" not in text
    assert "&lt;script&gt;x()" in text
    assert "A notice &amp; more." in text
    assert "default-src 'none'" in text
    fetching = re.findall(r"""(?:src|href)\s*=\s*["'](?!#|data:)([^"']*)""", text)
    assert fetching == []
    assert "url(http" not in text
    assert "@import" not in text


def test_rows_of_ours_are_told_apart_and_the_best_is_bold(written: Path) -> None:
    text = written.read_text()
    assert text.count('<tr class="paper') == 60 + 12 + 4
    ours = re.findall(r'<tr class="ours.*?</tr>', text, re.DOTALL)
    published = re.findall(r'<tr class="paper.*?</tr>', text, re.DOTALL)
    assert any("<b>" in row for row in ours)
    assert not any("<b>" in row for row in published)
    assert all(row.count("<td") + row.count("<th") >= 6 for row in (*ours, *published))


def test_the_page_is_drawn_and_the_console_stays_silent(written: Path, browse: Browse) -> None:
    script = (
        "<script>addEventListener('load',()=>{document.title='<<'+[...document.querySelectorAll('section')]"
        ".map(s=>s.id+' '+Math.round(s.offsetHeight)).join(';')+'|'+document.querySelector('figure svg')"
        ".getBoundingClientRect().width+'>>'})</script></body>"
    )
    probe = written.with_name("probe.html")
    probe.write_text(written.read_text().replace("</body>", script))
    dom, console = browse(probe, "--dump-dom", "--window-size=1280,900")
    assert console == []
    found = re.search(r"<title>&lt;&lt;(.*?)&gt;&gt;</title>", dom, re.DOTALL)
    assert found is not None
    sections, width = unescape(found.group(1)).split("|")
    heights = dict(entry.split() for entry in sections.split(";"))
    assert list(heights)[:3] == ["transfer-dfc2020", "transfer-dw", "transfer-osm"]
    assert {"ablation", "label-smoothing", "label-efficiency-dw", "differences-dw", "classes-dw-iou"} <= set(heights)
    assert min(int(height) for height in heights.values()) > 100
    assert float(width) > 400


@pytest.mark.parametrize(("query", "light"), [("?theme=light", True), ("?theme=dark", False)])
def test_both_themes_are_drawn(written: Path, query: str, light: bool, browse: Browse) -> None:
    picture = written.with_suffix(".png")
    _, console = browse(written, f"--screenshot={picture}", "--window-size=1280,900", query=query)
    assert console == []
    with Image.open(picture) as image:
        corner = image.convert("L").getpixel((4, 4))
    assert isinstance(corner, int)
    assert (corner > 128) == light


def test_nothing_is_wider_than_a_phone_and_names_stay_in_sight(written: Path, browse: Browse) -> None:
    """A frame of 390 px, because a headless window is never narrower than 500."""
    report = (
        "<script>addEventListener('load',()=>{const s=document.querySelector('.scroll');s.scrollLeft=300;"
        "const n=s.querySelector('tbody th.main').getBoundingClientRect();"
        "parent.postMessage([document.documentElement.scrollWidth,s.scrollLeft,Math.round(n.left)].join(' '),'*')})"
        "</script>"
    )
    inner = written.with_name("inner.html")
    inner.write_text(written.read_text().replace("</body>", f"{report}</body>"))
    holder = written.with_name("phone.html")
    holder.write_text(
        "<!doctype html><title>none</title>"
        "<script>addEventListener('message',e=>{document.title='found '+e.data})</script>"
        f"<iframe src='{inner.name}' style='width:390px;height:800px;border:0'></iframe>"
    )
    dom, console = browse(holder, "--dump-dom")
    assert console == []
    assert "<title>found 390 300 14</title>" in dom
