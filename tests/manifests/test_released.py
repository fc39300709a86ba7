"""The manifests that are filed in the repository: each is whole, and the demo's is that of a build made now."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.emulator.planet_spec import PlanetSpec
from pipeline.emulator.server import EmulatorServer
from pipeline.files import file_sizes
from pipeline.manifest.digest_table import DIGESTS_FILE, read_digests
from pipeline.manifest.listing import LISTING, parse_listing

ROOT = Path(__file__).parents[2]
RELEASES = sorted(path.parent for path in (ROOT / "manifests").glob("*/*/manifest"))
DEMO = ROOT / "manifests" / "demo" / "0.1.0"


def provenance(root: Path) -> Any:
    return json.loads((root / "manifest/provenance.json").read_text())


def test_the_demo_is_filed() -> None:
    assert DEMO in RELEASES


@pytest.mark.parametrize("root", RELEASES, ids=lambda root: f"{root.parent.name}-{root.name}")
def test_a_filed_manifest_is_whole_small_and_without_pixels(root: Path) -> None:
    listed, findings = parse_listing((root / LISTING).read_bytes())
    assert findings == []
    sizes = file_sizes(root)
    manifest = {name for name in listed if name.startswith("manifest/")}
    assert set(sizes) - {LISTING, f"{LISTING}.sig"} == manifest
    assert all(hashlib.sha256((root / name).read_bytes()).hexdigest() == listed[name] for name in manifest)
    assert sum(sizes.values()) < 300_000
    told = provenance(root)
    assert told["release"]["version"] == root.name
    assert not told["code"]["commit"].endswith("+modified"), "file it from a commit: make release-demo"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demo_is_rebuilt_to_the_byte(build_here: Callable[..., Any], tmp_path: Path) -> None:
    planet = PlanetSpec(provenance(DEMO)["source"]["seed"])
    with EmulatorServer(planet.world(), identity=planet.identity()) as server:
        build_here(tmp_path / "demo", server.url, recipe_file=ROOT / "recipes" / "demo.yaml")
    ours, filed = (
        read_digests(tmp_path / "demo/manifest" / DIGESTS_FILE),
        read_digests(DEMO / "manifest" / DIGESTS_FILE),
    )
    for mine, released in zip(ours.arrays, filed.arrays, strict=True):
        assert (mine.store, mine.array) == (released.store, released.array)
        differing = np.flatnonzero((mine.digest != released.digest).any(axis=-1))
        assert not differing.size, f"{mine.store} {mine.array} rows {differing.tolist()}"
    assert provenance(tmp_path / "demo")["content_digest"] == provenance(DEMO)["content_digest"]
