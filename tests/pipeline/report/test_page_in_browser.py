"""The page in a real browser: what it draws, what its script does, and that it never calls out."""

import re
import shutil
import subprocess
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipeline.report import write_report

QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--hide-scrollbars", "--enable-logging=stderr", "--v=0", "--host-resolver-rules=MAP * ~NOTFOUND",
    "--virtual-time-budget=3000",
)  # fmt: skip


def browse(page: Path, *options: str, query: str = "") -> tuple[str, list[str]]:
    """Open a page; its DOM after the scripts have run (with --dump-dom), and the lines of its console."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.fail("no 'chromium' on the PATH: run `make browser`")
    profile = page.parent / "profile"
    command = [browser, *QUIET, f"--user-data-dir={profile}", *options, f"file://{page}{query}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=90)
    finally:
        shutil.rmtree(profile, ignore_errors=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def scripted(page: Path, script: str) -> str:
    """Run a script at the end of the page and give back what it returns as text."""
    probe = page.with_name("probe.html")
    code = f"<script>addEventListener('load',()=>{{document.title='<<'+(()=>{{{script}}})()+'>>'}})</script></body>"
    probe.write_text(page.read_text().replace("</body>", code))
    dom, console = browse(probe, "--dump-dom", "--window-size=1280,900")
    assert console == []
    found = re.search(r"<title>&lt;&lt;(.*?)&gt;&gt;</title>", dom, re.DOTALL)
    assert found is not None
    return unescape(found.group(1))


@pytest.fixture
def page(make_run: Callable[..., Any]) -> Path:
    return write_report(make_run(stored=4).layout, title="NoLDO demo")


def test_every_section_is_drawn_and_the_console_stays_silent(page: Path) -> None:
    heights = scripted(
        page,
        "return [...document.querySelectorAll('section')].map(s=>s.id+' '+Math.round(s.offsetHeight)).join(';')"
        "+';broken '+[...document.images].filter(i=>i.src&&i.complete&&!i.naturalWidth).length",
    )
    found = dict(entry.split() for entry in heights.split(";"))
    assert found.pop("broken") == "0"
    assert list(found) == ["where", "funnel", "samples", "classes", "pretraining", "selection", "check"]
    assert min(int(height) for height in found.values()) > 150


def test_a_script_that_fails_or_calls_out_would_be_noticed(tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text("<!doctype html><img src='https://example.org/a.png'><script>undefinedFunction()</script>")
    _, console = browse(bad, "--dump-dom")
    assert any("undefinedFunction" in line for line in console)


def test_a_thumbnail_shows_its_location_alone(page: Path) -> None:
    shown = "[...document.querySelectorAll('.sample')].filter(s=>s.offsetHeight).map(s=>s.dataset.id)"
    answer = scripted(
        page,
        f"const a={shown}; document.querySelectorAll('.picker button')[2].click(); const b={shown};"
        "return [a,b,document.querySelector('.picker [aria-pressed=true]').textContent].join('|')",
    )
    assert answer == "0000000|0000002|0000002"


def test_the_map_zooms_and_comes_back(page: Path) -> None:
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


def test_a_picture_opens_enlarged_and_a_mark_leads_to_its_sample(page: Path) -> None:
    answer = scripted(
        page,
        "document.querySelector('.sample .shot').click(); const d=document.getElementById('zoom');"
        "const seen=[d.open, d.querySelector('p').textContent, d.querySelector('img').naturalWidth>0]; d.close();"
        "document.querySelector('[data-sample=\"0000003\"]').dispatchEvent(new MouseEvent('click',{bubbles:true}));"
        "seen.push(document.querySelector('.sample:not([hidden])').dataset.id); return seen.join('|')",
    )
    assert answer == "true|Sentinel-2, season 1|true|0000003"


@pytest.mark.parametrize(("query", "light"), [("?theme=light", True), ("?theme=dark", False)])
def test_both_themes_are_drawn(page: Path, query: str, light: bool) -> None:
    picture = page.with_suffix(".png")
    _, console = browse(page, f"--screenshot={picture}", "--window-size=1280,900", query=query)
    assert console == []
    with Image.open(picture) as image:
        corner = image.convert("L").getpixel((4, 4))
    assert (corner > 128) == light


def test_nothing_is_wider_than_a_phone(page: Path) -> None:
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
