"""What our own check of the documents finds, first of all where the public validator sees nothing."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.manifest.documents import CARD_FILE, CITATION_FILE, COLLECTION_FILE, CROISSANT_FILE, LICENCES_FILE
from pipeline.manifest.verify.documents import check
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.run import verify
from pipeline.manifest.verify.tree import PublishedTree, open_tree
from pipeline.schema.layout import RunLayout

Lines = Callable[[Any], list[str]]
Change = Callable[[Any], Any]


@pytest.fixture(params=["pretraining", "tiles"])
def run(request: pytest.FixtureRequest, ours: Any, tiles_run: RunLayout) -> RunLayout:
    made: RunLayout = ours.run if request.param == "pretraining" else tiles_run
    return made


@pytest.fixture
def edited(copied: Callable[[RunLayout], Path], told: Lines) -> Callable[..., list[str]]:
    """(run, document, change of it as plain data or text) -> what the check finds in a copy."""

    def edit(run: RunLayout, name: str, change: Change) -> list[str]:
        root = copied(run)
        path = root / "manifest" / name
        if name.endswith(".json"):
            plain = json.loads(path.read_text())
            change(plain)
            path.write_text(json.dumps(plain))
        elif name.endswith(".cff"):
            plain = yaml.safe_load(path.read_text())
            change(plain)
            path.write_text(yaml.safe_dump(plain))
        else:
            path.write_text(change(path.read_text()))
        return told(check(opened(root)))

    return edit


def opened(root: Path) -> PublishedTree:
    tree, _ = open_tree(root)
    assert tree is not None
    return tree


def node(plain: Any, name: str) -> Any:
    return next(one for one in nodes(plain) if one.get("@id") == name and "@type" in one)


def nodes(plain: Any) -> Iterator[Any]:
    if isinstance(plain, dict):
        yield plain
        for value in plain.values():
            yield from nodes(value)
    elif isinstance(plain, list):
        for value in plain:
            yield from nodes(value)


def test_what_was_written_agrees_with_itself(run: RunLayout) -> None:
    assert list(check(opened(Path(str(run.root))))) == []


def wrong_hash(plain: Any) -> None:
    node(plain, "index.parquet")["sha256"] = "0" * 64


def missing_column(plain: Any) -> None:
    node(plain, "samples/season")["source"]["extract"]["column"] = "seeson"


def misspelt_key(plain: Any) -> None:
    plain["geocr:spatialResolutoin"] = plain.pop("geocr:spatialResolution")


MISSED = {
    wrong_hash: "distribution index.parquet sha256: says '0000",
    missing_column: "takes column 'seeson', which manifest/index.parquet does not have",
    misspelt_key: "no known key 'geocr:spatialResolutoin'; did you mean 'geocr:spatialResolution'?",
}


# mlcroissant 1.1.1 asks rdflib 7 for what it has deprecated.
@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")
@pytest.mark.parametrize("change", MISSED)
def test_what_the_public_validator_misses(ours: Any, edited: Callable[..., list[str]], change: Change) -> None:
    import mlcroissant

    def changed(plain: Any) -> None:
        change(plain)
        report = mlcroissant.Dataset(copy.deepcopy(plain)).metadata.ctx.issues.report()
        assert "error" not in report.lower()

    (line,) = edited(ours.run, CROISSANT_FILE, changed)
    assert MISSED[change] in line


def test_a_verification_checks_the_documents(ours: Any, copied: Callable[[RunLayout], Path]) -> None:
    root = copied(ours.run)
    path = root / "manifest" / CITATION_FILE
    path.write_text(path.read_text().replace("version: 0.1.0", "version: 0.2.0"))
    found = [finding for finding in verify(root).findings if finding.check == "documents"]
    assert [finding.path for finding in found] == ["manifest/CITATION.cff"]
    assert "says '0.2.0', but provenance.json has '0.1.0'" in found[0].what


def test_the_card_atop_a_release_is_that_of_the_manifest(ours: Any, copied: Callable[[RunLayout], Path]) -> None:
    root = copied(ours.run)
    card = (root / "manifest" / CARD_FILE).read_bytes()
    (root / CARD_FILE).write_bytes(card)
    assert list(check(opened(root))) == []
    (root / CARD_FILE).write_bytes(card[:-1] + b"x")
    (found,) = check(opened(root))
    assert (found.path, found.what) == ("README.md", "is not the same as manifest/README.md, of which it is the copy")
    (root / "recipe.yaml").write_text("name: nol")  # a run's own README.md says what its owner likes
    assert list(check(opened(root))) == []


def test_a_document_that_is_gone_or_no_document(ours: Any, copied: Callable[[RunLayout], Path]) -> None:
    tree = opened(copied(ours.run))
    for name in (CARD_FILE, CITATION_FILE, CROISSANT_FILE, COLLECTION_FILE, LICENCES_FILE):
        path = tree.root / "manifest" / name
        text = path.read_bytes()
        path.write_bytes(b"\xff\xfe")
        broken = list(check(tree))
        path.unlink()
        gone = list(check(tree))
        path.write_bytes(text)
        for found in (broken, gone):
            assert [(one.check, one.path) for one in found] == [("documents", f"manifest/{name}")]


def test_nonsense_is_a_finding_and_no_crash(ours: Any, copied: Callable[[RunLayout], Path]) -> None:
    tree = opened(copied(ours.run))
    for name in (CITATION_FILE, CROISSANT_FILE, COLLECTION_FILE):
        for text in ("[]", "3", '{"distribution": 3, "assets": 4, "authors": 5}', "{"):
            (tree.root / "manifest" / name).write_text(text)
            found: list[Finding] = list(check(tree))
            assert f"manifest/{name}" in {one.path for one in found}, text


@pytest.mark.parametrize("name", [CARD_FILE, LICENCES_FILE])
def test_a_text_that_hides_that_data_are_emulated(ours: Any, edited: Callable[..., list[str]], name: str) -> None:
    found = edited(ours.run, name, lambda text: text.replace("mulated", "asured").replace("MULATED", "ASURED"))
    assert f"manifest/{name}: does not say that the data are emulated" in found
