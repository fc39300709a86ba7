"""A packed run with its manifest written."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.manifest.write import ManifestRecord, write_manifest

RECIPE = {"name": "nol", "source": {"kind": "emulator", "seed": 3}, "store": {"shard_rows": 2}}


@pytest.fixture(scope="session")
def write() -> Callable[..., ManifestRecord]:
    """(packed run, **replaced arguments) -> write its manifest."""

    def call(packed: Any, **changed: Any) -> ManifestRecord:
        arguments = {
            "locations": packed.locations,
            "matches": packed.matches,
            "quality": packed.quality,
            "shards": packed.shards,
            "provenance": {"inputs": "manifest-inputs", "recipe": RECIPE, "recipe_digest": "recipe-sha"},
        }
        return write_manifest(packed.run, "nol", packed.rows, **(arguments | changed))

    return call


@pytest.fixture
def described(packed: Any, write: Callable[..., ManifestRecord]) -> Any:
    """The packed run of five locations, with its manifest."""
    write(packed)
    return packed


@pytest.fixture(scope="session")
def ours(
    make_packed: Callable[..., Any], write: Callable[..., ManifestRecord], tmp_path_factory: pytest.TempPathFactory
) -> Any:
    """A packed run of five locations with its manifest, made once: change nothing in it."""
    packed = make_packed(tmp_path_factory.mktemp("ours") / "run")
    write(packed)
    return packed
