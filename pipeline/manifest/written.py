"""Files of a manifest: tables and plain data, the same bytes for the same content."""

import io
import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.files import write_bytes
from pipeline.schema.paths import AnyPath


def write_table(path: AnyPath, table: pa.Table) -> None:
    """Write a table as Parquet: zstd, with checksums of its pages."""
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(), buffer, compression="zstd", write_page_checksum=True)
    write_bytes(path, buffer.getvalue())


def write_json(path: AnyPath, plain: Mapping[str, Any]) -> None:
    """Write plain data as JSON, a value a line; NaN and infinities are refused with ValueError."""
    write_bytes(path, (json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())
