"""SSH signatures over the list of checksums: whoever holds the public key knows whose list it is, without a network.

The signature is `ssh-keygen -Y sign` of OpenSSH (PROTOCOL.sshsig), so that it can be made and checked without this
package: ssh-keygen -Y verify -n noldo-manifest -s manifest-sha256.txt.sig -f ALLOWED -I WHO < manifest-sha256.txt
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pipeline.files import is_file, storage_reason, write_bytes
from pipeline.manifest.checksums import CHECKSUMS_FILE, SIGNATURE_FILE
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.layout import RunLayout
from pipeline.schema.paths import AnyPath

NAMESPACE: Final = "noldo-manifest"
"""Keeps a signature made for another purpose from being taken for one of a manifest (PROTOCOL.sshsig, namespace)."""

PROGRAM: Final = "ssh-keygen"
NOT_THERE: Final = (
    f"{PROGRAM} is not there; install OpenSSH's client (on Debian and Ubuntu: apt-get install openssh-client)"
)
TIMEOUT_S: Final = 60
"""For a check, which asks nobody anything; signing may wait for a passphrase."""

KEY_DATA: Final = "AAAA"
"""How the data of any public key begin in base64: with the length of its type's name (RFC 4253, section 6.6)."""

_GOOD: Final = re.compile(r'Good "[^"]*" signature (?:for (?P<who>\S+) )?with (?P<kind>\S+) key (?P<print>SHA256:\S+)')

MAKER: Final = "maker"
"""The principal that stands for a public key without one."""


@dataclass(frozen=True)
class Signature:
    """What is known of the signature over a list of checksums."""

    fingerprint: str | None = None
    """Of the key that signed, SHA256:...; None where there is no signature, or none of this list."""
    key_type: str | None = None
    """For example ED25519."""
    signer: str | None = None
    """The principal of a file of allowed signers; None where no such file was given, or it names nobody."""
    trusted: bool = False
    """Whether the key was among those asked for."""
    problem: str | None = None
    """What does not hold, one line; None where all does."""

    @property
    def line(self) -> str:
        """Who signed, in one line for a report."""
        if self.problem:
            return self.problem
        if self.fingerprint is None:
            return "not signed"
        by = f"signed with the {self.key_type} key {self.fingerprint}"
        if not self.trusted:
            return f"{by}; whose that is was not checked (verify --key)"
        return f"{by} of {self.signer}" if self.signer else f"{by}, the one asked for"


def sign(root: AnyPath, key: Path) -> Signature:
    """Sign the list of checksums of a data set; the signature is written beside it, in place of an earlier one.

    `key` is a private key of any type of OpenSSH, or a public one whose private half an agent holds; where it has a
    passphrase, ssh-keygen asks for it on the terminal. Raises NoldoError where nothing could be signed. Whether the
    list is true is for the caller to know.
    """
    with _list_at_hand(root) as listing:
        # Its own words reach the terminal: it may ask for a passphrase, or for a touch of a security key.
        arguments = [_program(), "-q", "-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(listing)]
        done = subprocess.run(arguments, check=False)
        made = listing.with_name(SIGNATURE_FILE)
        if done.returncode or not made.is_file():
            raise NoldoError(f"{PROGRAM} did not sign with {key} (it says above why); nothing was written")
        signature = _integrity(listing)
        if signature.problem:
            raise NoldoError(
                f"{PROGRAM} signed with {key}, but the signature does not hold: {signature.problem}; nothing was "
                "written, try another key"
            )
        write_bytes(RunLayout(root).manifest / SIGNATURE_FILE, made.read_bytes())
    return signature


def read_signature(root: AnyPath, key: Path | None = None, listing_data: bytes | None = None) -> Signature:
    """Check the signature of a data set's list of checksums.

    `key` is a public key, or a file of allowed signers (ssh-keygen(1), ALLOWED SIGNERS); without one a signature is
    only checked to be one of this list. `listing_data` is the list, where it was read already. Raises UsageError where
    `key` is neither, NoldoError where the list or ssh-keygen is not there.
    """
    allowed = None if key is None else _public_lines(key)
    if not is_file(RunLayout(root).manifest / SIGNATURE_FILE):
        asked = f"there is no {RunLayout(root).manifest.name}/{SIGNATURE_FILE}, so nobody signed"
        return Signature(problem=None if key is None else asked)
    with _list_at_hand(root, listing_data) as listing:
        write_bytes(listing.with_name(SIGNATURE_FILE), (RunLayout(root).manifest / SIGNATURE_FILE).read_bytes())
        signature = _integrity(listing)
        if key is None or allowed is None or signature.problem:
            return signature
        return _of_signers(listing, key, allowed, signature)


def available() -> bool:
    """Whether signatures can be made and checked on this machine."""
    return shutil.which(PROGRAM) is not None


@contextmanager
def _list_at_hand(root: AnyPath, data: bytes | None = None) -> Iterator[Path]:
    """A copy of the list in a folder of its own, wherever the data set lies."""
    source = RunLayout(root).manifest / CHECKSUMS_FILE
    with tempfile.TemporaryDirectory(prefix="noldo-") as folder:
        try:
            data = source.read_bytes() if data is None else data
        except OSError as error:
            raise NoldoError(
                f"{source} cannot be read ({storage_reason(error)}); write the manifest first: "
                f"noldo manifest write {root}"
            ) from error
        listing = Path(folder) / CHECKSUMS_FILE
        listing.write_bytes(data)
        yield listing


def _integrity(listing: Path) -> Signature:
    """Whether the signature beside a list is one of it, and whose key made it."""
    done = _check(listing, "check-novalidate", "-n", NAMESPACE)
    good = _GOOD.search(done.stdout)
    if done.returncode == 0 and good:
        return Signature(fingerprint=good["print"], key_type=good["kind"])
    return Signature(problem=f"the signature is none of this list: {_why(done)}")


def _of_signers(listing: Path, key: Path, lines: list[str], signature: Signature) -> Signature:
    """The same signature, with whether one of the signers that the lines of `key` allow made it.

    Each line is asked about alone: of a whole file ssh-keygen takes the first line with the key, be it one for another
    purpose.
    """
    allowed = listing.with_name("allowed")
    named = not all(map(_is_public_key, lines))
    by = f"signed with the {signature.key_type} key {signature.fingerprint}"
    problems: list[str] = []
    beside = ""
    for line in lines:
        allowed.write_text(line if named else f"{MAKER} {line}")
        found = _check(listing, "find-principals", "-f", str(allowed))
        principals = found.stdout.splitlines()
        if found.returncode or not principals:
            beside = beside or _beside(found)
            continue
        done = _check(listing, "verify", "-n", NAMESPACE, "-f", str(allowed), "-I", principals[0])
        if done.returncode == 0:
            return replace(signature, trusted=True, signer=principals[0] if named else None)
        problems.append(f"{by}, but {_why(done)}")
    return replace(signature, problem=problems[0] if problems else f"{by}, which {key} does not allow{beside}")


def _public_lines(key: Path) -> list[str]:
    """The public keys or allowed signers of a file; UsageError where it holds neither."""
    try:
        text = key.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--key {key} cannot be read as text ({storage_reason(error)}); name a public key") from error
    if "PRIVATE KEY-----" in text:
        raise UsageError(f"--key {key} is a private key; verify with the public one, {key}.pub")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not any(len(line.split()) > 1 for line in lines):
        raise UsageError(f"--key {key} is neither a public key nor a file of allowed signers (see ssh-keygen(1))")
    return lines


def _is_public_key(line: str) -> bool:
    """Whether a line is a public key, its type and then its data; one of allowed signers begins with principals."""
    return any(word.startswith(KEY_DATA) for word in line.split()[1:2])


def _check(listing: Path, what: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run one of ssh-keygen's checks of the signature beside a list."""
    arguments = [_program(), "-Y", what, *options, "-s", str(listing.with_name(SIGNATURE_FILE))]
    with listing.open("rb") as signed:
        return subprocess.run(
            arguments, stdin=signed, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S, check=False
        )


def _program() -> str:
    found = shutil.which(PROGRAM)
    if found is None:
        raise NoldoError(NOT_THERE)
    return found


def _why(done: subprocess.CompletedProcess[str]) -> str:
    """ssh-keygen's first line about what is wrong."""
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return _plain(said[0]) if said else f"{PROGRAM} ended with {done.returncode}"


def _beside(done: subprocess.CompletedProcess[str]) -> str:
    """What ssh-keygen says beside that nobody matched, for example that a key has expired."""
    said = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("No principal")]
    return f" ({_plain(said[0])})" if said else ""


def _plain(said: str) -> str:
    """A line of ssh-keygen's without the name of our temporary file."""
    return said.rpartition("/")[2].removeprefix("allowed:1: ")
