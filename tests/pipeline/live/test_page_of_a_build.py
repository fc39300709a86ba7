"""The page that a real build leaves."""

import re
from pathlib import Path
from typing import Any

from pipeline.schema.layout import RunLayout


def test_it_says_what_the_build_says_and_is_no_part_of_what_is_published(small_run: tuple[Path, Any]) -> None:
    out, built = small_run
    page = RunLayout(out).live.read_text()
    assert 'data-state="ended"' in page
    assert 'data-report="report.html"' in page
    facts = dict(re.findall(r'<div id="fact-(\w+)"><dt>[^<]*</dt><dd class="value">([^<]*)</dd>', page))
    assert int(facts["requests"]) == sum(tally["requests"] for tally in built.json["tallies"].values())
    assert (facts["refused"], facts["failed"], facts["open"]) == ("0", "0", "0")
    stages = re.findall(
        r'<li id="stage-(\w+)">.*?<span class="figure">(\d+)</span><span class="fine">of (\d+)</span>', page, re.S
    )
    assert ("quality", "7", "7") in stages
    assert len(re.findall(r'<img src="data:image/', page)) == 12
    funnel = page.partition('<section id="funnel"')[2].partition("</section>")[0]
    kept = re.findall(r'<span class="figure">(\d+)</span><span class="fine">of (\d+)</span>', funnel)
    assert kept == [(str(step["kept"]), str(step["entered"])) for step in built.json["funnel"]]
    assert "Live page: " in built.err
    assert not [path for path in (out / "manifest").iterdir() if b"live.html" in path.read_bytes()]
