"""A stage of an image: an overlay over this machine's root, and what runs in it."""

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

PASSED_ON = ("PIP_", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
"""Of the caller's environment, as an engine's settings would hand them to every step."""

OWN_PACKAGES = ("noldo", "__editable__")
"""How the files of this project's own installation begin, in an environment whose packages are lent."""

MUST_BE_FREE = ("/opt/noldo", "/data", "/build")
"""Folders that the Dockerfile makes: what this machine has there would be taken for its work."""


@dataclass
class Stage:
    """A stage while it is made: its settings, and where its files are."""

    name: str
    folder: Path
    before: "tuple[Stage, ...]" = ()
    """Those that it is made from, the latest first."""
    env: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})
    args: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0"
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        """Where the stage's file system is mounted."""
        return self.folder / "root"

    def inside(self, path: str) -> Path:
        """A path of the stage, as seen from here."""
        return self.root / str(Path(self.workdir) / path).lstrip("/")

    def mount(self) -> None:
        """Lay the stage over what it is made from, with a /tmp of its own and without the project.

        Python lies at /usr/local, as in the base image.
        """
        self.root.mkdir(parents=True)
        self._lay("files", Path("/"), self.root)
        self._lay("python", Path(sys.base_prefix), self.root / "usr/local")
        for name in ("proc", "dev", "sys"):
            call("mount", "--rbind", f"/{name}", self.root / name)
        call("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", self.root / "tmp")
        if self.inside(str(PROJECT)).is_dir():
            call("mount", "-t", "tmpfs", "tmpfs", self.inside(str(PROJECT)))

    def _lay(self, name: str, bottom: Path, where: Path) -> None:
        """Mount what this stage writes over what those before it have written, over the bottom."""
        upper, work = self.folder / name, self.folder / f"{name}-work"
        upper.mkdir()
        work.mkdir()
        below = ":".join(map(str, [*(stage.folder / name for stage in self.before), bottom]))
        call("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={below},upperdir={upper},workdir={work}", where)


@dataclass(frozen=True)
class Settings:
    """What holds for all stages."""

    work: Path
    """Where their files lie."""
    lent: Path | None
    """The site-packages that stand in for what pip would fetch."""


def call(*command: object) -> None:
    """Run a command that must succeed."""
    subprocess.run([str(part) for part in command], check=True)


def begun(settings: Settings, before: Stage | None, name: str) -> Stage:
    """A new stage, made from an earlier one or from this machine's root."""
    if before is None:
        taken = [path for path in MUST_BE_FREE if Path(path).exists()]
        if taken:
            sys.exit(f"{taken[0]} is on this machine already; move it away, so that its root can stand for the image's")
        stage = Stage(name, settings.work / name)
    else:
        above = (before, *before.before)
        stage = replace(before, name=name, folder=settings.work / name, before=above, env=dict(before.env), args={})
    stage.mount()
    if before is None:
        call("chroot", stage.root, "ldconfig")  # finds the library of a Python that has come to /usr/local
    if settings.lent is not None:
        _idle_apt(stage)
    if settings.lent is not None and before is not None:  # a new venv would take their pip for its own
        _lend(stage, settings.lent)
    return stage


def _idle_apt(stage: Stage) -> None:
    """Put apt-get out of work."""
    idle = stage.root / "usr/local/bin/apt-get"
    idle.write_text('#!/bin/sh\necho "(not run: apt-get $*)"\n')
    idle.chmod(0o755)


def _lend(stage: Stage, packages: Path) -> None:
    """Show pip and Python the lent packages, but none of this project's own installation."""
    seen, shown = stage.root / "mnt/lent", stage.root / "mnt/packages"
    seen.mkdir(exist_ok=True)
    shown.mkdir(exist_ok=True)
    call("mount", "--bind", packages, seen)
    for path in packages.iterdir():
        if not path.name.startswith(OWN_PACKAGES) and not (shown / path.name).is_symlink():
            (shown / path.name).symlink_to(f"/mnt/lent/{path.name}")
    # Of pip's options that begin with 'no', the environment gives what they are about: 'false' is --no-compile.
    off = {"PIP_NO_BUILD_ISOLATION": "false", "PIP_NO_COMPILE": "false"}
    stage.env |= {"PYTHONPATH": "/mnt/packages", "PIP_NO_INDEX": "1", **off}


def run(stage: Stage, command: Sequence[str]) -> int:
    """Run a command in the stage, as its user; its exit status."""
    accounts = [line.split(":") for line in (stage.root / "etc/passwd").read_text().splitlines()]
    account = next(a for a in accounts if stage.user in (a[0], a[2]))
    passed = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    into = f'cd {shlex.quote(stage.workdir)} && exec "$@"'
    return subprocess.run(
        ["chroot", f"--userspec={account[2]}:{account[3]}", stage.root, "/bin/sh", "-c", into, "sh", *command],
        check=False,
        env={**passed, "HOME": account[5], **stage.args, **stage.env},
    ).returncode
