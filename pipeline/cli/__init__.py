"""The `noldo` command: one file a group of commands; heavy imports wait until a command runs."""

from pipeline.cli.main import main

__all__ = ["main"]
