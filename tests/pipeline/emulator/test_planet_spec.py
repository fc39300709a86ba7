"""A world as a value: what it is made of, and what it says of itself."""

import hashlib
import pickle
from pathlib import Path

import pytest

from pipeline.emulator.flaws import Flawed
from pipeline.emulator.planet import Planet
from pipeline.emulator.planet_spec import PlanetSpec
from pipeline.emulator.targets import Planted
from pipeline.schema.errors import UsageError


def test_what_is_not_asked_for_is_neither_there_nor_told() -> None:
    plain = PlanetSpec(11)
    assert plain.identity() == {"seed": 11, "locations_sha256": None}
    assert type(plain.world()) is Planet
    assert plain.flaws_of("COPERNICUS/S1_GRD/a") == {}


def test_targets_flaws_and_cans_are_told() -> None:
    spec = PlanetSpec(1, None, " 2.5,48 ; 3,49", "shift:0.10,border:1", canned=True)
    assert spec.identity() == {
        "seed": 1, "locations_sha256": None, "targets": "2.5,48.0;3.0,49.0", "flaws": "border:1.0,shift:0.1",
        "canned": True,
    }  # fmt: skip
    assert type(PlanetSpec(1, targets="2,48").world()) is Planted
    sent = pickle.loads(pickle.dumps(spec.world))  # noqa: S301 -- our own bytes, as a worker process gets them
    assert type(sent()) is Flawed
    assert spec.flaws_of("COPERNICUS/S1_GRD/a")["border_m"] >= 3000


def test_a_file_of_targets_counts_by_what_it_says(tmp_path: Path) -> None:
    file = tmp_path / "targets.txt"
    file.write_text("2.5,48\n3,49\n")
    assert PlanetSpec(1, targets=str(file)).identity() == PlanetSpec(1, targets="2.5,48;3,49").identity()


def test_the_list_counts_by_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "list.parquet"
    file.write_bytes(b"abc")
    assert PlanetSpec(1, file).identity()["locations_sha256"] == hashlib.sha256(b"abc").hexdigest()
    with pytest.raises(UsageError, match="cannot be read"):
        PlanetSpec(1, tmp_path / "absent.parquet").identity()
