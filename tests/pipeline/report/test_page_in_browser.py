"""The page in a real browser: what it draws, what its script does, and that it never calls out."""

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipeline.report import write_report

Browse = Callable[..., tuple[str, list[str]]]
"""Opens a page in a real browser, see tests/conftest.py."""

Scripted = Callable[[Path, str], str]


@pytest.fixture
def scripted(browse: Browse) -> Callable[[Path, str], str]:
    """Run a script at the end of a page and give back what it returns as text."""

    def run(page: Path, script: str) -> str:
        probe = page.with_name("probe.html")
        code = f"<script>addEventListener('load',()=>{{document.title='<<'+(()=>{{{script}}})()+'>>'}})</script></body>"
        probe.write_text(page.read_text().replace("</body>", code))
        dom, console = browse(probe, "--dump-dom", "--window-size=1280,900")
        assert console == []
        found = re.search(r"<title>&lt;&lt;(.*?)&gt;&gt;</title>", dom, re.DOTALL)
        assert found is not None
        return unescape(found.group(1))

    return run


@pytest.fixture
def page(make_run: Callable[..., Any]) -> Path:
    return write_report(make_run(stored=4).layout, title="NoLDO demo")


def test_every_section_is_drawn_and_the_console_stays_silent(page: Path, scripted: Scripted) -> None:
    heights = scripted(
        page,
        "return [...document.querySelectorAll('section')].map(s=>s.id+' '+Math.round(s.offsetHeight)).join(';')"
        "+';broken '+[...document.images].filter(i=>i.src&&i.complete&&!i.naturalWidth).length",
    )
    found = dict(entry.split() for entry in heights.split(";"))
    assert found.pop("broken") == "0"
    assert list(found) == [
        "where", "funnel", "quality", "samples", "classes", "bands", "pretraining", "selection", "check",
    ]  # fmt: skip
    assert min(int(height) for height in found.values()) > 150


def test_a_script_that_fails_or_calls_out_would_be_noticed(tmp_path: Path, browse: Browse) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text("<!doctype html><img src='https://example.org/a.png'><script>undefinedFunction()</script>")
    _, console = browse(bad, "--dump-dom")
    assert any("undefinedFunction" in line for line in console)


def test_a_thumbnail_shows_its_location_alone(page: Path, scripted: Scripted) -> None:
    shown = "[...document.querySelectorAll('.sample')].filter(s=>s.offsetHeight).map(s=>s.dataset.id)"
    answer = scripted(
        page,
        f"const a={shown}; document.querySelectorAll('.picker button')[2].click(); const b={shown};"
        "return [a,b,document.querySelector('.picker [aria-pressed=true]').textContent].join('|')",
    )
    assert answer == "0000000|0000002|0000002"


def test_the_map_zooms_and_comes_back(page: Path, scripted: Scripted) -> None:
    answer = scripted(
        page,
        "const m=document.getElementById('map'), w=()=>m.viewBox.baseVal.width.toFixed(1), click=z=>"
        "document.querySelector(`[data-zoom=${z}]`).click(); const seen=[w()];"
        "click('in'); seen.push(w()); click('out'); seen.push(w()); click('fit'); seen.push(w());"
        "const box=m.getBoundingClientRect();"
        "const marks=[...m.querySelectorAll('.marks path')].map(p=>p.getBoundingClientRect());"
        "seen.push(marks.every(r=>r.left>=box.left&&r.right<=box.right&&r.top>=box.top&&r.bottom<=box.bottom));"
        "seen.push(Math.round(Math.max(...marks.map(r=>r.width)))); click('world'); seen.push(w());"
        "return seen.join(' ')",
    )
    whole, inside, back, fitted, all_seen, widest, again = answer.split()
    assert (whole, inside, back, again) == ("360.0", "180.0", "360.0", "360.0")
    assert float(fitted) < 360
    assert all_seen == "true"
    assert 5 <= int(widest) <= 14


def test_a_picture_opens_enlarged_and_a_mark_leads_to_its_sample(page: Path, scripted: Scripted) -> None:
    answer = scripted(
        page,
        "document.querySelector('.sample .shot').click(); const d=document.getElementById('zoom');"
        "const seen=[d.open, d.querySelector('p').textContent, d.querySelector('img').naturalWidth>0]; d.close();"
        "const mark=document.querySelector('[data-id=\"0000003\"][data-sample]');"
        "mark.dispatchEvent(new MouseEvent('click',{bubbles:true}));"
        "seen.push(document.querySelector('.sample:not([hidden])').dataset.id); return seen.join('|')",
    )
    assert answer == "true|S2 true colour, season 1, 0000000|true|0000003"


@pytest.mark.parametrize(("query", "light"), [("?theme=light", True), ("?theme=dark", False)])
def test_both_themes_are_drawn(page: Path, query: str, light: bool, browse: Browse) -> None:
    picture = page.with_suffix(".png")
    _, console = browse(page, f"--screenshot={picture}", "--window-size=1280,900", query=query)
    assert console == []
    with Image.open(picture) as image:
        corner = image.convert("L").getpixel((4, 4))
    assert (corner > 128) == light


def test_nothing_is_wider_than_a_phone(page: Path, browse: Browse) -> None:
    """A frame of 390 px, because a headless window is never narrower than 500."""
    report = (
        "<script>addEventListener('load',()=>parent.postMessage(document.documentElement.scrollWidth,'*'))</script>"
    )
    inner = page.with_name("inner.html")
    inner.write_text(page.read_text().replace("</body>", f"{report}</body>"))
    holder = page.with_name("phone.html")
    holder.write_text(
        "<!doctype html><title>none</title>"
        "<script>addEventListener('message',e=>{document.title='width '+e.data})</script>"
        f"<iframe src='{inner.name}' style='width:390px;height:800px;border:0'></iframe>"
    )
    dom, console = browse(holder, "--dump-dom")
    assert console == []
    assert "<title>width 390</title>" in dom
