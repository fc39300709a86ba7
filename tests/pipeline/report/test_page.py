import json
import re
import shutil
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from pipeline.files import write_bytes
from pipeline.report import write_report
from pipeline.report.words import count, figure, percent
from pipeline.scaling import PUBLISHED
from pipeline.schema.errors import UsageError
from pipeline.schema.landcover import DW_CLASSES, IGNORE
from pipeline.schema.layout import PretrainLayout, RunLayout
from pipeline.schema.paths import AnyPath

SECTIONS = ["where", "funnel", "quality", "samples", "classes", "bands", "pretraining", "selection", "check"]
VOID = {"meta", "link", "img", "br", "input"}


class Outline(HTMLParser):
    """Checks that tags nest, and keeps what a test wants to know."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.images = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self._keep(tag, dict(attrs))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._keep(tag, dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else at {self.getpos()}"

    def _keep(self, tag: str, attributes: dict[str, str | None]) -> None:
        self.ids.extend([attributes["id"]] if attributes.get("id") else [])
        self.images += tag == "img"
        self.addresses.extend(
            str(attributes[name]) for name in ("src", "href", "srcset", "action") if name in attributes
        )


def outline(page: Path) -> Outline:
    parser = Outline()
    parser.feed(page.read_text())
    assert parser.open == []
    assert len(parser.ids) == len(set(parser.ids))
    return parser


def test_a_whole_run_gives_one_page_with_every_section(make_run: Callable[..., Any]) -> None:
    layout = make_run(stored=4).layout
    page = write_report(layout, title="A demo <run> & more")
    assert page == layout.report
    assert [p.name for p in layout.root.glob("report*")] == ["report.html"]
    found = outline(page)
    assert [name for name in found.ids if name in SECTIONS] == SECTIONS
    assert found.images == 4 * 4 * 6 + 3 * 9 + 1
    text = page.read_text()
    assert "<title>A demo &lt;run&gt; &amp; more</title>" in text
    assert "Not in this report" not in text
    assert 'class="empty"' not in text
    assert text.count("<script") == 1
    for words in ("no &lt;S1&gt; &amp; scene", "0.810", "61.0\u202f%", "ab" * 32, "20 Mar 2020", "sha256sum -c"):
        assert words in text


def test_the_curves_begin_at_the_first_epoch(make_run: Callable[..., Any]) -> None:
    text = write_report(make_run().layout, title="demo").read_text()
    assert "<title>train, 1: 3.6</title>" in text
    assert "<title>train, 6: 1.45</title>" in text
    assert "<title>consistency, 6: 0.1</title>" in text
    assert "S1 labels" not in text


def rows_of(text: str, section: str) -> dict[str, list[str]]:
    """The rows of a section's tables by their first cell, as plain text."""
    part = text[text.index(f'<section id="{section}"') :]
    part = part[: part.index("</section>")]
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', part, re.DOTALL)
    plain = [
        (unescape(re.sub(r"<[^>]*>", "", name)).strip(), re.findall(r"<td[^>]*>(.*?)</td>", cells))
        for name, cells in rows
    ]
    return dict(reversed(plain))  # of the same name, the first


def test_the_figures_on_the_page_are_those_of_the_run(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=4)
    text = write_report(fake.layout, title="demo").read_text()
    stored = zarr.open_array(fake.layout.store("nol"), path="s1", mode="r")[:, :, 0]
    low, span = PUBLISHED.s1.low_and_span()
    raw = (low[0] + stored / 255.0 * span[0]).astype(np.float32)
    pixels, mean, std, *_ = rows_of(text, "bands")["VV"]
    assert (pixels, mean, std) == (count(raw.size), figure(float(raw.mean())), figure(float(raw.std())))
    known = fake.label != IGNORE
    for cover in DW_CLASSES:
        true = (fake.truth == cover.code) & known
        labelled = fake.label == cover.code
        right = int((true & labelled).sum())
        assert rows_of(text, "classes")[cover.name] == [
            count(int(true.sum())),
            percent(right / true.sum() if true.any() else None),
            percent(right / labelled.sum() if labelled.any() else None),
        ]
    flags = rows_of(text, "quality")
    lost = next(cells for name, cells in flags.items() if name.startswith("too few labels"))
    assert lost == ["60 % of the pixels labelled", "1", "1", "0", "0", "0", "1"]
    kept = re.findall(r'<span class="figure">(\d+)</span><span class="fine">', text)
    assert kept == ["8", "6", "5", "4"]


def test_a_manifest_that_tells_otherwise_than_the_store_is_shown_to_differ(make_run: Callable[..., Any]) -> None:
    fake = make_run(stored=2)
    assert 'class="differs"' not in write_report(fake.layout, title="demo").read_text()
    path = fake.layout.manifest / "statistics.json"
    path.write_text(
        path.read_text().replace(
            '"label_pixels_per_season": {"pretrain": [[', '"label_pixels_per_season": {"pretrain": [[9', 1
        )
    )
    text = write_report(fake.layout, title="demo").read_text()
    assert text.count('class="differs"') == 1
    assert text.count('class="same"') == 2


def test_the_page_asks_nothing_of_anybody(make_run: Callable[..., Any]) -> None:
    page = write_report(make_run().layout, title="demo")
    for address in outline(page).addresses:
        assert address.startswith(("data:", "#")), address
    text = page.read_text()
    assert not re.search(
        r"url\(|@import|fetch\(|XMLHttpRequest|importScripts|//[a-z]+\.[a-z]", re.sub(r'"data:[^"]*"', "", text)
    )
    assert "default-src 'none'" in text


def test_the_same_run_gives_the_same_page(make_run: Callable[..., Any]) -> None:
    layout = make_run().layout
    first = write_report(layout, title="demo").read_bytes()
    assert write_report(layout, title="demo").read_bytes() == first


def test_a_run_in_object_storage_has_the_page_of_one_on_disk(
    make_run: Callable[..., Any], bucket: Callable[[], AnyPath]
) -> None:
    layout = make_run(stored=2).layout
    shutil.rmtree(layout.pretrain)
    there = RunLayout(bucket())
    for path in (path for path in layout.root.rglob("*") if path.is_file()):
        write_bytes(there.root / path.relative_to(layout.root).as_posix(), path.read_bytes())
    text = write_report(there, title="demo").read_text()
    ours = write_report(layout, title="demo").read_text()
    assert text.replace(there.root.name, layout.root.name) == ours.replace(there.root.name, layout.root.name)


def test_an_emulated_run_says_what_it_proves_and_a_real_one_does_not(make_run: Callable[..., Any]) -> None:
    layout = make_run().layout
    assert "proves nothing about" in write_report(layout, title="demo").read_text()
    layout.recipe.write_text("name: nol\nsource: {kind: earthengine}\n")
    shutil.rmtree(layout.truth)
    text = write_report(layout, title="real").read_text()
    assert "proves nothing about" not in text
    assert "Google Earth Engine" in text
    assert "The truth of real land is not known" in text
    assert "Labels that are right" not in text


@pytest.mark.parametrize(
    ("parts", "empty"),
    [
        (["pretrain"], 2),
        (["pretrain/result.json"], 0),
        (["pretrain/masks.npz"], 1),
        (["diagnostics"], 0),
        (["manifest"], 1),
        (["manifest", "store", "tables/quality", "pretrain", "diagnostics"], 5),
        (["manifest", "store", "tables/quality", "tables/export", "tables/seasons", "pretrain", "events.jsonl"], 6),
        (["manifest", "store", "tables", "pretrain", "diagnostics"], 8),
        (["store/nol.zarr/dw"], 2),
        (["recipe.yaml"], 0),
    ],
)
def test_a_run_with_parts_missing_has_a_page_that_says_so(
    make_run: Callable[..., Any], parts: list[str], empty: int
) -> None:
    layout = make_run(stored=3).layout
    for part in parts:
        path = layout.root / part
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    page = write_report(layout, title="demo")
    found = outline(page)
    assert [name for name in found.ids if name in SECTIONS] == SECTIONS
    assert page.read_text().count('class="empty"') == empty
    silent = parts in (["diagnostics"], ["pretrain/result.json"])
    assert ("Not in this report" in page.read_text()) != silent


def test_a_pretraining_of_one_modality_has_a_page_of_that_one(make_run: Callable[..., Any]) -> None:
    fake = make_run()
    pretrain = PretrainLayout(fake.layout.pretrain)
    result = json.loads(pretrain.result.read_text())
    del result["scores"]["network_s2"], result["selection_auc"]["s2"], result["selection_auc"]["per_class"]["s2"]
    pretrain.result.write_text(json.dumps(result))
    with np.load(pretrain.masks) as masks:
        arrays = {name: masks[name] for name in masks.files if not name.endswith("_s2")}
    np.savez_compressed(pretrain.masks, **arrays)
    page = write_report(fake.layout, title="One modality")
    text = page.read_text()
    assert outline(page).open == []
    assert "Network, Sentinel\u20111" in text
    assert "Network, Sentinel\u20112" not in text
    assert "Weights of the Sentinel-1 network" in text
    assert "Weight S2" not in text
    selection = text[text.index('id="selection"') :]
    assert selection.count('<th scope="col">Sentinel&#8209;') == 1


def test_a_folder_that_is_no_run_gets_no_page(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no run"):
        write_report(RunLayout(tmp_path), title="demo")
    assert list(tmp_path.iterdir()) == []


def test_a_page_of_many_locations_stays_small(make_run: Callable[..., Any]) -> None:
    """Noise packs worst: a location takes half a megabyte, and 12 are shown unless more are asked for."""
    layout = make_run(stored=2, px=264, statistics=False).layout
    shutil.rmtree(layout.pretrain)
    few, more = (write_report(layout, title="demo", samples=samples).stat().st_size for samples in (1, 2))
    assert more - few < 600_000
    assert few + 11 * (more - few) < 8_000_000
