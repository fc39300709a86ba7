"""A data set's folder small enough to be sent a hundred times, and a Hub of our own to send it to."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

SHARDS = 6


def write_tree(root: Path, version: str = "1.2.3", salt: str = "") -> Path:
    told = {"version": version, "title": None, "date": "2026-11-22"}
    provenance = {"release": told, "content_digest": {"dataset": f"sha256:{hashlib.sha256(salt.encode()).hexdigest()}"}}
    files = {
        "manifest/README.md": b"---\nlicense: cc-by-4.0\n---\n# A small data set\n",
        "manifest/CITATION.cff": b"title: A small data set\n",
        "manifest/index.parquet": b"index" + salt.encode(),
        "manifest/provenance.json": json.dumps(provenance).encode(),
        "store/nol.zarr/zarr.json": b"{}",
        "store/nol.zarr/s2/zarr.json": b'{"a": 1}',
    }
    files |= {f"store/nol.zarr/s2/c/{at}/0": f"{at}{salt}".encode() * 3000 for at in range(SHARDS)}
    private = {
        ".lock": b"",
        "recipe.yaml": b"project: secret",
        "store/.nol.zarr.inputs": b"x",
        "store/nol.zarr/labels/mine/zarr.json": b"{}",
        "store/nol.zarr/.hidden": b"h",
        "tables/match/part-00000.parquet": b"t",
    }
    for name, data in (files | private).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items())]
    (root / "manifest/manifest-sha256.txt").write_text("".join(lines))
    return root


@pytest.fixture(scope="session")
def make_tree() -> Callable[..., Path]:
    """(root, version, salt): a data set's folder, with files beside it that are not to be published."""
    return write_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """One of version 1.2.3."""
    return write_tree(tmp_path / "run")


LARGE_BYTES = 3000
"""The fake Hub stores files from so many bytes on as large ones."""


@dataclass(frozen=True)
class Large:
    """A large file that went by xet."""

    sha256: str
    bytes: int


class FakeHub:
    """What of the Hub's HTTP interface publishing needs, as huggingface_hub 2.4 calls it, for one repository.

    Large files come by Git LFS, or by the Hub's own storage, xet, whose client library brings a store on the disk to
    stand in for the service; then the Hub knows their digests only, and `Large` stands for the content.
    """

    def __init__(self, xet: Path) -> None:
        self.xet = xet
        self.exists = False
        self.commits: list[dict[str, bytes | Large]] = []
        self.tags: dict[str, str] = {}
        self.large: dict[str, bytes] = {}
        self.puts: list[str] = []
        self.requests: list[str] = []
        self.refuse: Callable[[str, str], int | None] = lambda method, path: None
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, plain, headers = hub.answer(self.command, self.path.partition("?")[0], body)
                data = json.dumps(plain).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = handle_any  # noqa: N815 - names of http.server

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    @property
    def head(self) -> dict[str, bytes | Large]:
        return self.commits[-1]

    def sha(self, at: int = -1) -> str:
        return f"{len(self.commits) if at < 0 else at:040x}"

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
        self.requests.append(f"{method} {path}")
        refused = self.refuse(method, path)
        if refused is not None:
            return refused, {"error": "refused for the test"}, {}
        if path == "/api/repos/create":
            status = 409 if self.exists else 200
            self.exists, self.commits = True, self.commits or [{".gitattributes": b"* text\n"}]
            return status, {"url": f"{self.url}/datasets/we/demo"}, {}
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}, {}
        if path.startswith("/lfs/"):
            self.puts.append(path[5:])
            self.large[path[5:]] = body
            return 200, {}, {}
        if not self.exists:
            return 404, {"error": "no such repository"}, {"X-Error-Code": "RepoNotFound"}
        if path.endswith("/info/lfs/objects/batch"):
            return 200, {"transfer": "basic", "objects": [self._upload(o) for o in json.loads(body)["objects"]]}, {}
        return self._api(path.removeprefix("/api/datasets/we/demo").strip("/").split("/"), body)

    def _api(self, parts: list[str], body: bytes) -> tuple[int, Any, dict[str, str]]:
        if parts[0] == "refs":
            tags = [{"name": n, "ref": f"refs/tags/{n}", "targetCommit": sha} for n, sha in self.tags.items()]
            return 200, {"branches": [], "converts": [], "tags": tags}, {}
        if parts[0] in ("", "revision"):
            return 200, {"id": "we/demo", "sha": self.sha()}, {}
        if parts[0] == "tree":
            files = self.head if parts[1] == "main" else self.commits[int(parts[1], 16) - 1]
            return 200, [self._entry(name, data) for name, data in files.items()], {}
        if parts[0] == "preupload":
            files = json.loads(body)["files"]
            return 200, {"files": [self._mode(file) for file in files]}, {}
        if parts[0] == "commit":
            return self._commit([json.loads(line) for line in body.splitlines()])
        if parts[0] == "xet-write-token":
            return 200, {"casUrl": f"local://{self.xet}", "accessToken": "token", "exp": 2**40}, {}
        if parts[0] == "tag":
            name = json.loads(body)["tag"]
            if name in self.tags:
                return 409, {"error": "Tag reference exists already"}, {}
            self.tags[name] = parts[1]
            return 200, {}, {}
        return 404, {"error": "/".join(parts)}, {}

    def _upload(self, asked: dict[str, Any]) -> dict[str, Any]:
        there = asked["oid"] in self.large
        return asked if there else {**asked, "actions": {"upload": {"href": f"{self.url}/lfs/{asked['oid']}"}}}

    def _mode(self, file: dict[str, Any]) -> dict[str, Any]:
        mode = "lfs" if file["size"] >= LARGE_BYTES else "regular"
        return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False}

    def _entry(self, name: str, data: bytes | Large) -> dict[str, Any]:
        if isinstance(data, Large):
            large = {"oid": data.sha256, "size": data.bytes, "pointerSize": 130}
            return {"type": "file", "path": name, "size": data.bytes, "oid": "0" * 40, "lfs": large}
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        entry = {"type": "file", "path": name, "size": len(data), "oid": blob}
        if len(data) >= LARGE_BYTES:
            large = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
            return {**entry, "oid": "0" * 40, "lfs": large}
        return entry

    def _commit(self, lines: list[dict[str, Any]]) -> tuple[int, Any, dict[str, str]]:
        files = dict(self.head)
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.large.get(value["oid"], Large(value["oid"], value["size"]))
            else:
                del files[value["path"]]
        self.commits.append(files)
        return 200, {"commitUrl": f"{self.url}/datasets/we/demo/commit/{self.sha()}", "commitOid": self.sha()}, {}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """A Hub without any repository, for this process; uploads by Git LFS."""
    fake = FakeHub(tmp_path / "xet")
    monkeypatch.setattr(constants, "ENDPOINT", fake.url)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))  # where hf_xet writes its log
    yield fake
    fake.stop()
