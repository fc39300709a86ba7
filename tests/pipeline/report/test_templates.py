import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pipeline.report
from pipeline.report.templates import SCRIPTS, STYLES, scripts, styles

FOLDER = Path(str(pipeline.report.__file__)).parent
ROOT = Path(__file__).parents[3]


def test_every_style_and_script_is_written_into_the_page_once() -> None:
    assert sorted(f"{name}.css" for name in STYLES) == sorted(path.name for path in (FOLDER / "style").iterdir())
    assert sorted(f"{name}.js" for name in SCRIPTS) == sorted(path.name for path in (FOLDER / "script").iterdir())
    for text, folder in ((styles(), "style"), (scripts(), "script")):
        for path in (FOLDER / folder).iterdir():
            assert text.count(path.read_text().strip()) == 1, path


def test_the_wheel_brings_every_file_of_the_page() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["pipeline"]
    needed = [path for path in FOLDER.rglob("*") if path.is_file() and path.suffix not in {".py", ".pyc"}]
    assert len(needed) > 30
    for path in needed:
        name = path.relative_to(FOLDER.parent).as_posix()
        assert any(fnmatch(name, pattern) for pattern in patterns), name
