"""The Dockerfile's instructions, each as a function that changes a stage; and the files that a build may copy."""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from stages import PROJECT, Stage, call, run


@dataclass(frozen=True)
class Around:
    """What an instruction may use beside its own stage."""

    context: Path
    """The files of the checkout that it may copy."""
    stages: Mapping[str, Stage]
    """Those made so far."""
    build_args: Mapping[str, str]


def follow(stage: Stage, word: str, flags: Sequence[str], value: Sequence[str], around: Around) -> None:
    """Do what an instruction says; ends the program where it cannot."""
    match word:
        case "RUN":
            _run(stage, flags, value, around)
        case "COPY":
            _copy(stage, flags, value, around)
        case "ENV":
            pairs = zip(value[::2], value[1::2], strict=True)
            stage.env |= {name: text.replace("$PATH", stage.env["PATH"]) for name, text in pairs}
        case "ARG":
            name, _, default = value[0].partition("=")
            stage.args[name] = around.build_args.get(name, default)
        case "WORKDIR":
            stage.workdir = str(Path(stage.workdir) / value[0])
            stage.inside(".").mkdir(parents=True, exist_ok=True)
        case "USER":
            stage.user = value[0]
        case "ENTRYPOINT":
            stage.entrypoint = tuple(value)
        case "CMD":
            stage.cmd = tuple(value)
        case "VOLUME":
            pass
        case _:
            sys.exit(f"the Dockerfile's instruction {word} is not understood here")


def _run(stage: Stage, flags: Sequence[str], value: Sequence[str], around: Around) -> None:
    """RUN, with files of other stages bound where it wants them; a cache is a folder for all steps."""
    bound = []
    for flag in flags:
        mount = dict(part.partition("=")[::2] for part in flag.removeprefix("--mount=").split(","))
        target = stage.inside(mount["target"])
        if mount["type"] == "bind":
            target.mkdir(parents=True)
            call("mount", "--bind", around.stages[mount["from"]].inside(mount["source"]), target)
        else:
            cache = stage.folder.parent / "cache"
            cache.mkdir(exist_ok=True)
            target.mkdir(parents=True, exist_ok=True)
            call("mount", "--bind", cache, target)
        bound.append(target)
    status = run(stage, ["/bin/sh", "-c", *value])
    for target in bound:
        call("umount", target)
    if status:
        sys.exit(f"this step of stage {stage.name} ended with status {status}: RUN {value[0]}")


def _copy(stage: Stage, flags: Sequence[str], value: Sequence[str], around: Around) -> None:
    """COPY: files into a folder or under a name, of folders what is in them."""
    source = around.stages[flags[0].removeprefix("--from=")].root if flags else around.context
    *names, target = value
    into = stage.inside(target)
    for name in names:
        path = source / name.lstrip("/")
        if path.is_dir():
            shutil.copytree(path, into, dirs_exist_ok=True)
        elif target.endswith("/") or target == "." or len(names) > 1:
            into.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, into)
        else:
            shutil.copy(path, into)


def ignored(path: str, rules: Sequence[str]) -> bool:
    """Whether .dockerignore leaves a path out of the build: the last rule that fits it or a folder above decides.

    Of its patterns those are understood that are used here: from the top, and `**/NAME`.
    """
    parts, out = path.split("/"), False
    for rule in rules:
        plain = rule.removeprefix("!")
        names = plain.removeprefix("**/").split("/")
        anywhere = plain.startswith("**/") and any(fnmatch(part, names[0]) for part in parts)
        from_top = len(parts) >= len(names) and all(map(fnmatch, parts, names))
        if anywhere or from_top:
            out = not rule.startswith("!")
    return out


def context(work: Path) -> Path:
    """A copy of the tracked and new files of the checkout that .dockerignore lets through."""
    rules = [line for line in (PROJECT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    folder = work / "context"
    listed: list[str | Path] = ["git", "-C", PROJECT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (PROJECT / name).is_file() and not ignored(name, rules):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, folder / name)
    return folder
