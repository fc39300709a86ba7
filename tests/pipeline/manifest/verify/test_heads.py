from collections.abc import Callable

import pytest

Rewritten = Callable[[str, Callable[[str], str]], list[str]]

CARD, CITATION, TERMS = "manifest/README.md", "manifest/CITATION.cff", "manifest/LICENSES.md"

CHANGES = {
    "a size": (CARD, "- n<1K", "- 1K<n<10K", "head size_categories: says ['1K<n<10K']"),
    "a file of the head": (
        CARD,
        "path: manifest/index-test.parquet",
        "path: manifest/index-tset.parquet",
        "names manifest/index-tset.parquet, which is not there",
    ),
    "a licence": (CARD, "license: cc-by-4.0", "license: mit", "license: gives the licence 'mit'"),
    "a misspelt key": (CARD, "task_categories:", "task_categoris:", "no known key 'task_categoris'"),
    "a title": (CARD, "pretty_name: 'Emulated SSL4EO", "pretty_name: 'Emulated SSL3EO", "pretty_name: gives the title"),
    "a digest": (CARD, "sha256:", "sha257:", "does not give the content digest sha256:"),
    "no head": (CARD, "---\n", "***\n", "cannot be read: has no YAML head"),
    "a day": (CITATION, "date-released: '2", "date-released: '3", "date-released: says '3"),
    "a cited digest": (CITATION, "value: sha256:", "value: sha257:", "identifiers: does not give the content digest"),
    "a misspelt key of the citation": (CITATION, "abstract:", "abstrakt:", "no known key 'abstrakt'"),
    "a missing key": (CITATION, "cff-version: 1.2.0\n", "", "lacks the key 'cff-version'"),
    "a licence in words": (TERMS, "(CC-BY-4.0), ", "(ODbL-1.0), ", "license: gives the licence 'ODbL-1.0'"),
    "a version in words": (TERMS, ", version 0.1.0\n", ", version 0.2.0\n", "version: says '0.2.0'"),
    "no licence": (TERMS, "## This compilation", "## That", "cannot be read: does not say which licence"),
    "no YAML": (CITATION, "title:", "title: [", "cannot be read: "),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_does_not_agree_is_found(rewritten: Rewritten, what: str) -> None:
    path, old, new, expected = CHANGES[what]

    def changed(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    lines = rewritten(path, changed)
    assert any(line.startswith(path) and expected in line for line in lines), lines
