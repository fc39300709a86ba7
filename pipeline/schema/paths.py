"""Where files may lie: on a disk, or in object storage."""

from pathlib import Path
from typing import TypeAlias

from upath import UPath

AnyPath: TypeAlias = Path | UPath
"""A local path, or a URL such as s3://bucket/run behind the same methods (universal_pathlib)."""
