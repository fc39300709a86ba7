"""Carry out the Dockerfile's steps without a container engine, and run the result.

    python containers/build_here.py cpu --offline .venv -- plan recipes/demo.yaml
    python containers/build_here.py cuda --disk DIR -- build recipes/demo.yaml --out runs/demo

Needs root on Linux, and the packages of noldo's extra `dev`. This machine's root takes the place of the base image:
each stage is an overlay over it, in a mount namespace that ends with this program, and nothing is left
of it. What the base image lacks may therefore go unseen. `--offline` cuts the network off: packages are then those of
an environment that has them all, held against constraints.txt by pip, and apt-get is not run.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dockerfile
from stages import PROJECT, Settings, Stage, begun, call, run
from steps import Around, context, follow

DISK_BYTES = 40 << 30
"""Room for an image's files on a disk; what is not used takes none."""


def build(target: str, settings: Settings, build_args: Mapping[str, str]) -> Stage:
    """Make every stage that the target needs, in order; the target itself."""
    commands = dockerfile.parse_file(str(PROJECT / "Dockerfile"))
    wanted = needed(target, commands)
    stages: dict[str, Stage] = {}
    around = Around(context(settings.work), stages, build_args)
    name = ""
    for command in commands:
        word = command.cmd.upper()
        name = command.value[2] if word == "FROM" else name
        if name not in wanted:
            continue
        sys.stderr.write(f"[{name}] {word} {' '.join((*command.flags, *command.value))[:150]}\n")
        if word == "FROM":
            stages[name] = begun(settings, stages.get(command.value[0]), name)
        else:
            follow(stages[name], word, command.flags, command.value, around)
    return stages[target]


def needed(target: str, commands: Sequence[Any]) -> set[str]:
    """The names of the stages that a target is made from or takes files from."""
    uses: dict[str, set[str]] = {}
    name = ""
    for command in commands:
        if command.cmd.upper() == "FROM":
            name = command.value[2]
            uses[name] = {command.value[0]}
        for flag in command.flags:
            uses[name] |= {part.partition("from=")[2] for part in flag.split(",") if "from=" in part}
    if target not in uses:
        sys.exit(f"the Dockerfile has no stage {target}; its stages are {', '.join(uses)}")
    found, new = set[str](), {target}
    while new:
        found |= new
        new = {used for one in new for used in uses[one] if used in uses} - found
    return found


def split(words: list[str]) -> tuple[list[str], list[str]]:
    """What is for this program, and what stands after `--`, for the image."""
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def main() -> int:
    """Parse the command line, leave for a mount namespace, build, and run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", help="cpu or cuda")
    parser.add_argument("--offline", type=Path, metavar="VENV", help="no network, and the packages of this environment")
    parser.add_argument("--disk", type=Path, metavar="DIR", help="keep the stages in a file there, not in memory")
    parser.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    own, arguments = split(sys.argv[1:])
    given = parser.parse_args(own)
    if "BUILD_HERE" not in os.environ:
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        again = [*apart, *(["--net"] if given.offline else []), sys.executable, *sys.argv]
        return subprocess.run(again, env={**os.environ, "BUILD_HERE": "1"}, check=False).returncode
    with tempfile.TemporaryDirectory(prefix="build-here-") as folder:
        work = Path(folder)
        with room(work, given.disk):
            lent = next(given.offline.resolve().glob("lib/python3*/site-packages")) if given.offline else None
            build_args = dict(pair.split("=", 1) for pair in given.build_arg)
            stage = build(given.target, Settings(work, lent), build_args)
            words = [*stage.entrypoint, *(arguments or stage.cmd)]
            sys.stderr.write(f"[{stage.name}] run as user {stage.user}: {' '.join(words)}\n")
            return run(stage, words)


@contextmanager
def room(work: Path, disk: Path | None) -> Iterator[None]:
    """A file system of its own for the stages: layers of an overlay must not lie within one another."""
    if disk is None:
        call("mount", "-t", "tmpfs", "tmpfs", work)
    else:
        with tempfile.NamedTemporaryFile(dir=disk) as image:  # the mount keeps what it needs of it
            image.truncate(DISK_BYTES)
            call("mkfs.ext4", "-q", image.name)
            call("mount", "-o", "loop", image.name, work)
    try:
        yield
    finally:
        call("umount", "--recursive", "--lazy", work)


if __name__ == "__main__":
    sys.exit(main())
