"""A signature holds for one list and one key; any other is told, and why."""

import hashlib
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.manifest.checksums import CHECKSUMS_FILE, SIGNATURE_FILE
from pipeline.manifest.signature import NAMESPACE, NOT_THERE, read_signature, sign
from pipeline.manifest.verify import signature
from pipeline.manifest.verify.finding import Finding
from pipeline.manifest.verify.tree import PublishedTree, open_tree
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.paths import AnyPath

LINE = f"{'0' * 64}  manifest/index.parquet\n"


def new_key(folder: Path, name: str, *options: str, passphrase: str = "") -> Path:
    arguments = ["ssh-keygen", "-q", *(options or ("-t", "ed25519")), "-N", passphrase, "-C", name]
    subprocess.run([*arguments, "-f", str(folder / name)], check=True)
    return folder / name


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("keys")
    return {
        "ours": new_key(folder, "ours"),
        "other": new_key(folder, "other"),
        "ecdsa": new_key(folder, "ecdsa", "-t", "ecdsa"),
        "rsa": new_key(folder, "rsa", "-t", "rsa", "-b", "2048"),
        "locked": new_key(folder, "locked", passphrase="open sesame"),
    }


def public(key: Path) -> Path:
    return key.with_name(f"{key.name}.pub")


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    """The list of a data set of which nothing else is there; its folder is two above it."""
    path = tmp_path / "set" / "manifest" / CHECKSUMS_FILE
    path.parent.mkdir(parents=True)
    path.write_text(LINE)
    return path


@pytest.fixture
def root(listing: Path) -> Path:
    return listing.parent.parent


def check(tree: PublishedTree, key: Path | None = None) -> tuple[Finding, ...]:
    return signature.check(tree, key).findings


def signature_line(tree: PublishedTree, key: Path | None = None) -> str:
    return signature.check(tree, key).line


def opened(root: AnyPath) -> PublishedTree:
    tree, _ = open_tree(root)
    assert tree is not None
    return tree


def test_names_are_never_taken_for_options(listing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    key = new_key(tmp_path, "-f my key %h")
    root = listing.parent.parent.rename(tmp_path / "-n a set")
    sign(root, Path(key.name))
    assert read_signature(root, Path(public(key).name)).trusted


@pytest.mark.parametrize("kind", ["ours", "ecdsa", "rsa"])
def test_every_type_of_key_signs_and_is_known_again(root: Path, keys: dict[str, Path], kind: str) -> None:
    made = sign(root, keys[kind])
    shown = subprocess.run(["ssh-keygen", "-lf", keys[kind]], capture_output=True, text=True, check=True).stdout
    assert made.fingerprint == shown.split()[1]
    found = read_signature(root, public(keys[kind]))
    assert (found.trusted, found.problem, found.fingerprint) == (True, None, made.fingerprint)
    assert not read_signature(root).trusted
    tree = opened(root)
    assert list(check(tree, public(keys[kind]))) == list(check(tree)) == []
    assert str(made.fingerprint) in signature_line(tree)
    assert "not checked" in signature_line(tree)
    assert "not checked" not in signature_line(tree, public(keys[kind]))


def test_the_list_that_was_read_must_be_the_one_that_was_signed(
    root: Path, listing: Path, keys: dict[str, Path]
) -> None:
    sign(root, keys["ours"])
    good = listing.read_bytes()
    listing.write_text(LINE.replace("0", "1", 1))
    tree = opened(root)
    listing.write_bytes(good)  # a server that gives another list when it is asked again
    for key in (None, public(keys["ours"])):
        (found,) = check(tree, key)
        assert "none of this list" in found.what
    assert check(opened(root), public(keys["ours"])) == ()


def test_a_signature_that_a_release_has_lost_is_missed(
    root: Path, listing: Path, keys: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    final, marker = tmp_path / "to/1.2.3", tmp_path / "to/releases/1.2.3.json"
    marker.parent.mkdir(parents=True)
    root.rename(final)
    sign(final, keys["ours"])
    sha256 = hashlib.sha256((final / "manifest" / CHECKSUMS_FILE).read_bytes()).hexdigest()
    told = {"signed": True, "manifest_sha256": sha256}
    marker.write_text(json.dumps(told))
    assert check(opened(final)) == ()
    (final / "manifest" / SIGNATURE_FILE).unlink()
    (lost,) = check(opened(final))
    assert lost.what == signature.MARKED
    monkeypatch.chdir(final)
    assert len(check(opened(Path()))) == 1
    for other in ({**told, "manifest_sha256": "0" * 64}, {**told, "signed": False}, {"manifest_sha256": sha256}, 3):
        marker.write_text(json.dumps(other))
        assert check(opened(final)) == ()
    marker.write_text("{")
    assert check(opened(final)) == ()


def test_openssh_alone_checks_the_signature(root: Path, listing: Path, keys: dict[str, Path], tmp_path: Path) -> None:
    sign(root, keys["ours"])
    (tmp_path / "allowed").write_text(f"me@here {public(keys['ours']).read_text()}")
    arguments = ["-n", NAMESPACE, "-f", tmp_path / "allowed", "-I", "me@here", "-s", listing.with_name(SIGNATURE_FILE)]
    with listing.open("rb") as signed:
        subprocess.run(["ssh-keygen", "-Y", "verify", *arguments], stdin=signed, check=True, capture_output=True)


def test_another_key_another_list_and_no_signature_are_each_told_in_a_line(
    root: Path, listing: Path, keys: dict[str, Path]
) -> None:
    ours, other = public(keys["ours"]), public(keys["other"])
    (unsigned,) = check(opened(root), ours)
    assert "nobody signed" in unsigned.what
    assert list(check(opened(root))) == [], "nobody asked for a signature"
    made = sign(root, keys["ours"])
    (foreign,) = check(opened(root), other)
    assert str(made.fingerprint) in foreign.what
    assert "does not allow" in foreign.what
    listing.write_text(LINE.replace("0", "1", 1))
    for key in (None, ours):
        (changed,) = check(opened(root), key)
        assert changed.what == "the signature is none of this list: Signature verification failed: incorrect signature"
        assert changed.path == f"manifest/{SIGNATURE_FILE}"
        assert "none of this list" in signature_line(opened(root), key)
    listing.with_name(SIGNATURE_FILE).write_text("no signature\n")
    (damaged,) = check(opened(root))
    assert "none of this list" in damaged.what
    assert "\n" not in damaged.what


def test_a_signature_for_another_purpose_is_none(root: Path, listing: Path, keys: dict[str, Path]) -> None:
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-n", "git", "-f", keys["ours"], listing], check=True)
    (found,) = check(opened(root), public(keys["ours"]))
    assert "namespace" in found.what


def test_allowed_signers_are_known_by_name_and_may_expire(root: Path, keys: dict[str, Path], tmp_path: Path) -> None:
    sign(root, keys["ours"])
    allowed = tmp_path / "allowed"
    lines = [f'me@here namespaces="{NAMESPACE}" {{key}}', 'me@here valid-before="20200101" {key}']
    mine, others = public(keys["ours"]).read_text(), public(keys["other"]).read_text()
    allowed.write_text(f"# who may\n\nelse@where {others}{lines[0].format(key=mine)}")
    found = read_signature(root, allowed)
    assert (found.trusted, found.signer) == (True, "me@here")
    assert found.line.endswith("of me@here")
    allowed.write_text(lines[1].format(key=mine))
    (expired,) = check(opened(root), allowed)
    assert "expired" in expired.what
    allowed.write_text(f'me@here namespaces="git" {mine}me@release {mine}')
    assert read_signature(root, allowed).signer == "me@release", "a line for another purpose is not the last word"
    allowed.write_text(f'"ssh-me of here" {mine}')
    assert read_signature(root, allowed).signer == "ssh-me of here"
    allowed.write_text(f"ssh-me@here {mine}")
    assert read_signature(root, allowed).signer == "ssh-me@here", "no type of a key"
    allowed.write_text(f'me@here namespaces="git" {mine}')
    assert len(list(check(opened(root), allowed))) == 1, "allowed for another purpose only"


def test_a_passphrase_is_asked_for_and_a_wrong_one_signs_nothing(
    root: Path,
    keys: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    asked = tmp_path / "ask"
    monkeypatch.setenv("SSH_ASKPASS", str(asked))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")

    def answer(words: str) -> None:
        asked.write_text(f"#!/bin/sh\necho '{words}'\n")
        asked.chmod(stat.S_IRWXU)

    answer("wrong")
    with pytest.raises(NoldoError, match="did not sign"):
        sign(root, keys["locked"])
    assert "incorrect passphrase" in capfd.readouterr().err
    assert read_signature(root).fingerprint is None
    answer("open sesame")
    sign(root, keys["locked"])
    assert read_signature(root, public(keys["locked"])).trusted


def test_what_is_no_public_key_is_refused(root: Path, keys: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a private key"):
        read_signature(root, keys["ours"])
    (tmp_path / "nothing").write_text("\n")
    with pytest.raises(UsageError, match="neither a public key"):
        read_signature(root, tmp_path / "nothing")
    with pytest.raises(UsageError, match="cannot be read"):
        read_signature(root, tmp_path / "absent")


def test_without_ssh_keygen_a_line_says_what_to_install(
    root: Path, keys: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(root, keys["ours"])
    monkeypatch.setenv("PATH", os.devnull)
    assert list(check(opened(root))) == []
    assert signature_line(opened(root)) == f"not checked: {NOT_THERE}"
    with pytest.raises(NoldoError, match="openssh-client"):
        list(check(opened(root), public(keys["ours"])))
    with pytest.raises(NoldoError, match="openssh-client"):
        sign(root, keys["ours"])


def test_a_list_in_object_storage_is_signed_and_checked(
    bucket: Callable[[], AnyPath], listing: Path, keys: dict[str, Path]
) -> None:
    remote = bucket()
    (remote / "manifest" / CHECKSUMS_FILE).write_bytes(listing.read_bytes())
    sign(remote, keys["ours"])
    assert read_signature(remote, public(keys["ours"])).trusted
    assert read_signature(remote, public(keys["other"])).problem


def test_the_command_signs_a_true_list_and_no_other(
    noldo: Any, ours: Any, keys: dict[str, Path], tmp_path: Path
) -> None:
    root = tmp_path / "copy"
    shutil.copytree(ours.run.root, root)
    signed = noldo("manifest", "sign", root, "--key", keys["ours"], "--json")
    assert signed.status == 0, signed.err
    assert signed.json["fingerprint"] == read_signature(root).fingerprint
    again = noldo("manifest", "sign", root, "--key", keys["other"])
    assert again.status == 0, "the signature of a list is no part of what it lists"
    assert read_signature(root, public(keys["other"])).trusted
    shard = root / "store" / "nol.zarr" / "s1" / "c" / "1" / "0" / "0" / "0" / "0"
    shard.write_bytes(shard.read_bytes() + b"\0")
    refused = noldo("manifest", "sign", root, "--key", keys["ours"])
    assert refused.status == 1
    assert "has changed; nothing was signed" in refused.err
    assert read_signature(root, public(keys["other"])).trusted, "the earlier signature stays"
    assert noldo("manifest", "sign", root, "--key", keys["ours"], "--unread").status == 0
