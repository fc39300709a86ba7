"""A run directory as an argument of a command: a folder, or a URL of object storage."""

from typing import Any

import click
from click.shell_completion import CompletionItem

from pipeline.schema.paths import AnyPath


class RunDirectory(click.ParamType):  # type: ignore[type-arg]
    """DIRECTORY, s3://BUCKET/FOLDER or gs://BUCKET/FOLDER, as a path."""

    name = "directory"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> AnyPath:  # noqa: ARG002
        """The path of what was typed; UsageError where it cannot hold a run."""
        return run_directory(value) if isinstance(value, str) else value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:  # noqa: ARG002
        """Have the shell complete folders of this machine."""
        return [CompletionItem(incomplete, type="dir")]


class Published(RunDirectory):
    """The same for what is read only: also http:// and https://."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> AnyPath:  # noqa: ARG002
        """The path of what was typed; UsageError where nothing can be read from there."""
        from pipeline.files import open_published

        return open_published(value) if isinstance(value, str) else value


RUN_DIRECTORY = RunDirectory()
PUBLISHED = Published()


def run_directory(named: str) -> AnyPath:
    """The path of a run directory as a user writes it; UsageError where it cannot hold a run."""
    from pipeline.files import open_path

    return open_path(named)
