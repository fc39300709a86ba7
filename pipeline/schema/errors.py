"""Expected failures. Anything else that is raised is a defect of ours."""

from enum import StrEnum

from pipeline.schema.paths import AnyPath


class NoldoError(Exception):
    """An expected failure; the message is one or two plain lines: what was found, where, what to change."""

    exit_status = 1


class UsageError(NoldoError):
    """The user asked for something that cannot be: a bad recipe, option or path."""

    exit_status = 2


class DamagedError(NoldoError):
    """A committed file that cannot be read back; once `path` is removed, the next run makes again what is lost."""

    def __init__(self, message: str, path: AnyPath) -> None:
        super().__init__(message)
        self.path = path
        """What to remove, a file or a folder."""

    def __reduce__(self) -> tuple[type["DamagedError"], tuple[str, AnyPath]]:
        """Pickle both arguments, so that a worker's error reaches the driver whole."""
        return type(self), (str(self), self.path)


class FailureKind(StrEnum):
    """Why one attempt at one location failed; decides what happens next."""

    TRANSIENT = "transient"
    """Network or server trouble: tried again, in this run and in the next."""
    QUOTA = "quota"
    """Too many requests or the project's budget is spent: tried again, later and slower."""
    PERMANENT = "permanent"
    """The request itself is refused: not tried again by itself."""
    EMPTY = "empty"
    """The source answered that there is nothing here: the only kind that may drop a location."""


class SourceError(NoldoError):
    """A source could not answer; `kind` says whether asking again can help."""

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    def __reduce__(self) -> tuple[type["SourceError"], tuple[FailureKind, str]]:
        """Pickle both arguments, so that a worker's error reaches the driver whole."""
        return type(self), (self.kind, str(self))
