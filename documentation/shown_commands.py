"""The blocks of code that pages show, and the commands in them, told from trees, output and other languages."""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from markdown_it import MarkdownIt

Language = Literal["sh", "python", "other"]

LANGUAGES: Final[dict[str, Language]] = {"sh": "sh", "bash": "sh", "console": "sh", "python": "python"}
"""What a fence calls its language -> what it is to us; all others are not looked into."""

SHELL: Final = (
    "cat",
    "cd",
    "cp",
    "echo",
    "exit",
    "export",
    "kill",
    "ls",
    "mkdir",
    "rm",
    "set",
    "source",
    "trap",
    "wait",
)
KEYWORDS: Final = frozenset({"!", "do", "done", "else", "fi", "if", "then", "until", "while"})
OWN: Final = ("make", "noldo", "python", "train")
OTHERS: Final = (
    "aws", "curl", "dask", "docker", "earthengine", "gcloud", "git", "gsutil", "helm", "hf", "jupyter", "kubectl",
    "pip", "sbatch", "scancel", "sha256sum", "squeue", "srun", "ssh-keygen", "tensorboard", "torchrun",
)  # fmt: skip
PROGRAMS: Final = frozenset((*SHELL, *OWN, *OTHERS))
"""By these a block without a language is known to be of the shell; anything else in such a block is a mistake."""

WORDS_BEFORE: Final = re.compile(r"^(?:[A-Z_]+=\S*\s+|\(\s*|for \w+ in |\.venv/bin/)*")
"""What may stand before the first command of a line."""

SEPARATORS: Final = frozenset("&|;()")
"""Signs of which what stands between commands is made."""


@dataclass(frozen=True)
class Block:
    """A block of code on a page."""

    page: str
    """Path of the page in the repository."""
    line: int
    """Where it begins, counted from 1."""
    language: Language
    text: str


@dataclass(frozen=True)
class Shown:
    """A command as a page shows it: a line of the shell, with those that it goes on over."""

    block: Block
    text: str
    """Without its comment."""

    def simple(self) -> list[list[str]]:
        """The commands that it consists of, as words without assignments and redirections; those of `--wrap` too."""
        found = [words for words in _simple(self.text.removeprefix("#!\n")) if words]
        wrapped = [words[words.index("--wrap") + 1] for words in found if "--wrap" in words]
        return found + [words for text in wrapped for words in Shown(self.block, text).simple()]

    @property
    def is_synopsis(self) -> bool:
        """Whether it shows how commands are written, and is none: it has brackets, alternatives or an ellipsis."""
        return bool(re.search(r"\[(--|-|\w+ \w)|[\w-]\|[\w-]| \| |\.\.\.|\.{3}$", re.sub(r"'[^']*'", "", self.text)))


def pages(root: Path) -> list[Path]:
    """Everything that is read as documentation: README.md, docs/ and the notes beside data and notebooks."""
    return [
        root / "README.md",
        *sorted((root / "docs").rglob("*.md")),
        root / "notebooks" / "README.md",
        root / "manifests" / "README.md",
    ]


def blocks(page: Path, root: Path) -> list[Block]:
    """All blocks of a page, fenced or indented."""
    tokens = MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8"))
    name = page.relative_to(root).as_posix()
    return [
        Block(name, (token.map or [0])[0] + 1, _language(token.info, token.content), token.content)
        for token in tokens
        if token.type in ("fence", "code_block")
    ]


def commands(block: Block) -> list[Shown]:
    """The commands of a block of the shell, in order, a script being one; none of another."""
    if block.text.startswith("#!"):
        return [Shown(block, "\n".join(["#!", *_lines(block.text)]))]
    return [Shown(block, text) for text in _lines(block.text)] if block.language == "sh" else []


def inline_commands(page: Path, root: Path) -> list[Shown]:
    """Commands of this program, and of make, that stand in the text of a page."""
    name = page.relative_to(root).as_posix()
    found = []
    for token in MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8")):
        for child in token.children or []:
            if child.type == "code_inline" and re.match(r"(noldo|make) [a-z]", child.content):
                found.append(Shown(Block(name, (token.map or [0])[0] + 1, "sh", child.content), child.content))
    return found


def _language(info: str, text: str) -> Language:
    if info:
        return LANGUAGES.get(info.split()[0], "other")
    first = text.lstrip().splitlines()[0] if text.strip() else ""
    if re.match(r"(from [\w.]+ )?import \w", first):
        return "python"
    bare = WORDS_BEFORE.sub("", first)
    return "sh" if bare.split(" ")[0] in PROGRAMS or first.startswith(("for ", "#!/")) else "other"


def _lines(text: str) -> Iterator[str]:
    """Lines of the shell: those that end in a backslash, or within quotes, a loop or a here-document, go on.

    So does a synopsis whose next line begins with blanks and a bracket.
    """
    waiting: list[str] = []
    for line in re.sub(r"\n +\[", " [", text).splitlines():
        waiting.append(line)
        whole = "\n".join(waiting).replace("\\\n", " ")
        if line.rstrip().endswith("\\") or not _is_whole(whole):
            continue
        waiting = []
        if bare := _without_comment(whole):
            yield bare
    if waiting:
        raise ValueError(f"a command does not end: {waiting[0]}")


def _is_whole(text: str) -> bool:
    here = re.search(r"<<-?\s*['\"]?(\w+)", text)
    if here and not re.search(rf"^\s*{here[1]}$", text, re.MULTILINE):
        return False
    try:
        words = shlex.split(text.partition("<<")[0] if here else text, comments=True)
    except ValueError:
        return False
    opened = sum(word in ("do", "then") for word in words)
    closed = sum(word.rstrip(";") in ("done", "fi") for word in words)
    return (closed >= opened) if opened else "for" not in words[:1]


def _without_comment(text: str) -> str:
    """Without a comment: a word that begins with '#', outside quotes."""
    quote = ""
    for at, char in enumerate(text):
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "#" and (at == 0 or text[at - 1].isspace()):
            return (
                text[:at].strip()
                if "\n" not in text[at:]
                else _without_comment(text[:at] + text[text.index("\n", at) :])
            )
    return text.strip()


def _simple(text: str) -> Iterator[list[str]]:
    plain = re.sub(r"\$\(\(.*?\)\)|\$\([^()]*\)", "0", text.partition("<<")[0])  # what the shell computes is any word
    lexer = shlex.shlex(plain.replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words: list[str] = []
    skip = False
    for word in [*lexer, ";"]:
        if skip:
            skip = False
        elif set(word) <= SEPARATORS or word == "do":
            while words and words[0] in KEYWORDS:
                words = words[1:]
            if words and words[0] != "for":
                yield _bare(words)
            words = []
        elif set(word) <= set("<>&") or word in ("2>", "1>"):
            skip = True
        else:
            words.append(word)


def _bare(words: Sequence[str]) -> list[str]:
    first = next((at for at, word in enumerate(words) if not re.match(r"^[A-Za-z_]+=", word)), len(words))
    return list(words[first:])
