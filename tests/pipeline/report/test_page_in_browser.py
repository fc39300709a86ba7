"""The page in a real browser: what it draws, what its script does, and that it never calls out."""

import json
import re
import shutil
from collections.abc import Callable
from html import escape, unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipeline.report import picture, write_report
from pipeline.schema.landcover import DW_CLASSES, IGNORE

Browse = Callable[..., tuple[str, list[str]]]
"""Opens a page in a real browser, see tests/conftest.py."""

THEMES = ("light", "dark")

PROBE = Path(__file__).with_name("probe.js")
"""One visit tells all: a browser takes longer to start than to use."""


@pytest.fixture(scope="module")
def fake(make_shared_run: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    made = make_shared_run(tmp_path_factory.mktemp("browser") / "run")
    write_report(made.layout, title="NoLDO demo")
    return made


@pytest.fixture(scope="module")
def page(fake: Any) -> Path:
    return Path(str(fake.layout.report))


def telling_pixel(label_SHW: NDArray[np.uint8]) -> tuple[int, int]:
    """A pixel whose labels are not those of any pixel beside it."""
    inner = label_SHW[:, 1:-1, 1:-1]
    beside = [
        label_SHW[:, 1 + dy : dy - 1 or None, 1 + dx : dx - 1 or None] for dy, dx in ((1, 0), (-1, 0), (0, 1), (0, -1))
    ]
    alone = np.all([(other != inner).any(axis=0) for other in beside], axis=0)
    row, column = np.argwhere(alone)[0] + 1
    return row, column


@pytest.fixture(scope="module")
def told(page: Path, fake: Any, browse: Browse) -> dict[str, Any]:
    """What the probe saw; it fails where the console said anything."""
    probe = page.with_name("probe.html")
    row, column = map(int, telling_pixel(fake.label[2]))
    ends = "(told => { document.title = '<<' + JSON.stringify(told) + '>>'; })"
    script = (
        f"<script>addEventListener('load', () => ({PROBE.read_text()})({row}, {column}).then{ends})</script></body>"
    )
    probe.write_text(page.read_text().replace("</body>", script))
    dom, console = browse(probe, "--dump-dom", "--window-size=1280,900")
    assert console == []
    found = re.search(r"<title>&lt;&lt;(.*?)&gt;&gt;</title>", dom, re.DOTALL)
    assert found is not None
    seen: dict[str, Any] = json.loads(unescape(found.group(1)))
    return seen


def test_every_section_is_drawn_and_nothing_is_asked_of_anybody(told: dict[str, Any]) -> None:
    assert list(told["sections"]) == [
        "where", "funnel", "quality", "samples", "classes", "bands", "pretraining", "selection", "check",
    ]  # fmt: skip
    assert min(told["sections"].values()) > 150
    assert (told["broken"], told["requests"]) == (0, [])


def test_everything_has_a_name_for_those_who_hear_the_page(told: dict[str, Any]) -> None:
    assert (told["nameless"], told["withoutAlt"], told["unnamedSections"]) == ([], 0, 0)
    assert told["landmarks"] == [True, True, True]


@pytest.mark.parametrize("theme", THEMES)
def test_every_text_stands_out_from_what_lies_behind_it(told: dict[str, Any], theme: str) -> None:
    assert told["poor"][theme] == []


def test_a_script_that_fails_or_calls_out_would_be_noticed(tmp_path: Path, browse: Browse) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text("<!doctype html><img src='https://example.org/a.png'><script>undefinedFunction()</script>")
    _, console = browse(bad, "--dump-dom")
    assert any("undefinedFunction" in line for line in console)


def test_a_layer_and_a_season_are_chosen_and_another_layer_laid_over(told: dict[str, Any], fake: Any) -> None:
    seen = told["browser"]
    assert [(shot["id"], shot["layer"], shot["season"]) for shot in seen["first"]] == [
        ("0000000", "true", str(season)) for season in (1, 2, 3, 4)
    ]
    assert seen["legendsAtFirst"] == []
    assert [shot["picture"] for shot in seen["label"]] == [picture.classes(season) for season in fake.label[0]]
    assert seen["legendsOfLabel"] == ["dw"]
    (over,) = seen["overlaid"]
    assert (over["layer"], over["season"], over["opacity"]) == ("label", "2", "0.8")
    assert over["over"] == picture.classes(fake.truth[0, 1])


def test_the_keyboard_goes_through_locations_and_layers(told: dict[str, Any]) -> None:
    seen = told["browser"]
    assert [(shot["id"], shot["layer"], shot["season"]) for shot in seen["right"]] == [("0000001", "label", "2")]
    assert seen["focus"] == "0000001"
    assert {(shot["id"], shot["layer"]) for shot in seen["down"]} == {("0000001", "truth")}
    assert len(seen["down"]) == 4
    assert '"layer":"truth"' in seen["kept"]
    assert {shot["id"] for shot in seen["everything"]} == {"0000002"}
    assert len(seen["everything"]) == 4 * 6
    assert seen["pressed"] == "0000002"


def test_the_readout_tells_the_classes_of_the_pixel_in_every_season(told: dict[str, Any], fake: Any) -> None:
    words = {c.code: f"{c.code} {c.name}" for c in DW_CLASSES} | {IGNORE: "no label"}
    row, column = telling_pixel(fake.label[2])
    labels, truths = (array[2, :, row, column].tolist() for array in (fake.label, fake.truth))
    states = [
        "label is right" if label == truth else "label is wrong" for label, truth in zip(labels, truths, strict=True)
    ]
    expected = [f"row {row}, column {column}"]
    for name, said in (
        ("DW label", [words[code] for code in labels]),
        ("Truth", [words[code] for code in truths]),
        ("Label errors", states),
    ):
        expected.append(" ".join([name, *said]))
    assert told["browser"]["readout"] == "".join(expected)


def test_a_picture_opens_enlarged_and_leads_to_the_next(told: dict[str, Any]) -> None:
    assert told["browser"]["enlarged"] == [True, "DW label, season 1, 0000002", True]
    assert told["browser"]["next"] == [True, "Truth, season 1, 0000002", False]


def test_the_map_zooms_moves_and_comes_back(told: dict[str, Any]) -> None:
    seen = told["map"]
    widths = {name: view["width"] for name, view in seen.items() if isinstance(view, dict) and "width" in view}
    assert (widths["whole"], widths["in"], widths["out"]) == (360, 180, 360)
    assert widths["fit"] < 360
    assert seen["allInside"]
    assert 5 <= seen["widest"] <= 16
    assert widths["wheelUnasked"] == 360 > widths["wheel"] > widths["plus"] == widths["right"]
    assert seen["right"]["x"] - seen["plus"]["x"] == pytest.approx(widths["plus"] / 8)
    assert widths["zero"] == 360
    assert seen["drag"]["x"] - seen["beforeDrag"]["x"] == pytest.approx(0.1 * widths["beforeDrag"], rel=0.02)
    assert seen["undragged"] == seen["drag"]
    assert seen["scrollsOn"]
    assert widths["pinch"] == pytest.approx(widths["drag"] / 2, rel=0.02)
    assert re.fullmatch(r"[\d,]+ km", seen["scale"])


def test_marks_are_hidden_told_about_and_found(told: dict[str, Any]) -> None:
    seen = told["map"]
    assert (seen["marks"], seen["withoutKept"], seen["withKept"]) == (8, 4, 8)
    assert seen["dropped"] == "0000004: 19.40° N, 99.10° W — no DW label · season 2: no DW label"
    assert seen["previewed"].endswith("— kept See its pictures")
    assert seen["sample"] == "0000003"
    assert seen["nowhere"] == "'nowhere' is not on this map."
    assert seen["found"]["chosen"] == ["0000005"]
    assert seen["found"]["view"]["width"] < 5
    assert seen["found"]["view"]["x"] < 36.8 < seen["found"]["view"]["x"] + seen["found"]["view"]["width"]
    assert seen["found"]["grid"] > 4


def test_digests_and_commands_are_copied_whole(told: dict[str, Any]) -> None:
    assert "ab" * 32 in told["copied"]
    assert "noldo manifest verify .\nsha256sum -c --quiet manifest/manifest-sha256.txt" in told["copied"]


def test_both_themes_are_drawn(page: Path, browse: Browse) -> None:
    """Side by side, in frames."""
    screen, holder = page.with_name("screen.png"), page.with_name("themes.html")
    frames = (f"<iframe src='{page.name}?theme={theme}' style='width:50%;height:900px;border:0'>" for theme in THEMES)
    holder.write_text(f"<!doctype html><body style='margin:0;display:flex'>{'</iframe>'.join(frames)}</iframe>")
    _, console = browse(holder, f"--screenshot={screen}", "--window-size=1280,900")
    assert console == []
    with Image.open(screen) as image:
        grey = np.asarray(image.convert("L"))
    assert [grey[4, left + 4] > 128 for left in (0, 640)] == [theme == "light" for theme in THEMES]


def test_nothing_is_wider_than_a_phone_however_far_the_run_has_come(
    page: Path, make_shared_run: Callable[..., Any], tmp_path: Path, on_a_phone: Callable[..., list[Any]]
) -> None:
    unfinished = []
    for name, lost in (
        ("matched", ["store", "manifest", "tables/quality", "pretrain"]),
        ("begun", ["store", "manifest", "tables"]),
    ):
        layout = make_shared_run(tmp_path / name, stored=1).layout
        for part in lost:
            shutil.rmtree(layout.root / part)
        unfinished.append(write_report(layout, title=name))
    every = "document.querySelector('[name=layer][value=all]')?.click();"
    width = "document.documentElement.scrollWidth"
    seen = on_a_phone(f"const one = {width}; {every} return [one, {width}];", page, *unfinished)
    assert seen == [[390, 390]] * 3


def test_without_scripts_everything_that_can_stand_still_is_there(page: Path, browse: Browse) -> None:
    """In a frame that runs none; the page around it looks in."""
    holder = page.with_name("still.html")
    holder.write_text(
        "<!doctype html><title>none</title>"
        "<iframe sandbox='allow-same-origin' style='width:1280px;height:900px'"
        f" srcdoc='{escape(page.read_text())}'></iframe>"
        "<script>addEventListener('load', () => {"
        "const still = document.querySelector('iframe').contentDocument;"
        "const count = (selector) => [...still.querySelectorAll(selector)].filter((e) => e.offsetHeight).length;"
        "const low = [...still.querySelectorAll('section')].filter((e) => e.offsetHeight < 150).length;"
        "const shown = ['.sample', '.sample figure', '.layer-legend', 'noscript p'];"
        "const hidden = ['button:not(.shot)', 'form', '.scripted'];"
        "document.title = [...shown, ...hidden].map(count).join(' ') + ' ' + low; })</script>"
    )
    dom, console = browse(holder, "--dump-dom")
    assert [line for line in console if "script execution" not in line.lower()] == []
    assert f"<title>4 {4 * 4 * 6} 2 1 0 0 0 0</title>" in dom
