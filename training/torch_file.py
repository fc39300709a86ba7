"""Files that torch writes, whole or not at all."""

import os
from pathlib import Path
from typing import Any

import torch


def write_torch(path: Path, content: Any) -> None:
    """Write `content` under another name, to the disk, then rename it over the old file."""
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
