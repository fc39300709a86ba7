import subprocess
from pathlib import Path

import pytest

from pipeline.manifest.environment import environment
from pipeline.manifest.provenance import code_commit, provenance_record


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_emulated_and_real_data_are_told_apart() -> None:
    emulated = provenance_record({"source": {"kind": "emulator", "seed": 1}}, "d", {"dataset": "x"}, {})
    assert emulated["emulated"] is True
    assert "emulator" in emulated["data"]
    assert emulated["source"] == {"kind": "emulator", "seed": 1}
    real = provenance_record(
        {"source": {"kind": "earthengine", "project": "payer", "url": "https://x"}}, "d", {"dataset": "x"}, {}
    )
    assert real["emulated"] is False
    written = provenance_record({"source": {"kind": "import", "emulated": True}}, "d", {"dataset": "x"}, {})
    assert (written["emulated"], written["data"]) == (True, emulated["data"])
    assert "Earth Engine" in real["data"]
    assert "payer" not in str(real)
    with pytest.raises(ValueError, match="of which kind its source is"):
        provenance_record({}, "d", {}, {})


def test_settings_that_decide_no_pixel_are_not_told() -> None:
    how = {"faults": "429:0.1", "latency_s": 1.0, "pace": {"concurrent": 3}, "url": "http://127.0.0.1:9"}
    told = [
        provenance_record({"name": "nol", "source": {"kind": "emulator", "seed": 1, **more}}, "d", {}, {})
        for more in ({}, how)
    ]
    assert told[0] == told[1]


def test_versions_are_those_installed() -> None:
    import rasterio
    import zarr

    found = environment()
    assert found["packages"]["zarr"] == zarr.__version__
    assert {"noldo", "numcodecs", "pydantic"} <= found["packages"].keys()
    assert not {"pytest", "s3fs"} & found["packages"].keys()
    assert found["libraries"]["GDAL"] == rasterio.__gdal_version__
    assert found["python"].count(".") == 2


def test_the_commit_is_that_of_the_files_own_checkout(tmp_path: Path) -> None:
    source = tmp_path / "code.py"
    source.write_text("1")
    assert code_commit(source) is None
    git(tmp_path, "init", "-q")
    assert code_commit(source) is None
    git(tmp_path, "add", "code.py")
    git(tmp_path, "commit", "-q", "-m", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert code_commit(source) == commit
    source.write_text("2")
    assert code_commit(source) == f"{commit}+modified"
    (tmp_path / "installed.py").touch()
    assert code_commit(tmp_path / "installed.py") is None
