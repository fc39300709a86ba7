"""The arrays of the stores and the columns of the index, from the plans that they are written by."""

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from documentation.cells import code, plain, table
from pipeline.manifest.documents.croissant_records import COLUMNS
from pipeline.manifest.index import SCHEMA
from pipeline.scaling import PUBLISHED
from pipeline.schema.grid import PATCH_PX
from pipeline.schema.landcover import LandCoverClass
from pipeline.schema.tiles import EXPERT_PX
from pipeline.store_arrays import array_plans
from pipeline.tile_arrays import LEGENDS, tile_array_plans

HEAD = ("Array", "Type", "Dimensions", "Inner chunk", "Fill", "Holds")


def pretraining_arrays() -> str:
    """The arrays of a pretraining store; N rows of four seasons."""
    plans = array_plans(PATCH_PX, PUBLISHED, probabilities=True)
    return table(
        HEAD,
        (_row(one.name, "uint8", one.dimensions, one.row_shape, one.chunk, one.fill, one.attributes) for one in plans),
    )


def tile_arrays() -> str:
    """The arrays of a downstream store with every label array that there is; N rows of P x P pixels."""
    plans = tile_array_plans(EXPERT_PX["test"], tuple(LEGENDS))
    ignored = {"long_name": "1 where the label that the store is about is missing: dfc, osm, or else dw"}
    return table(
        HEAD,
        (
            _row(
                one.name, one.dtype, one.dimensions, one.row_shape, (1, *one.row_shape), one.fill,
                ignored if one.name == "ignore" else one.attributes,
            )
            for one in plans
        ),
    )  # fmt: skip


def legends() -> str:
    """The classes of every label array."""
    return "\n\n".join(f"### {name}\n\n{_legend(classes)}" for name, classes in LEGENDS.items())


def index_columns() -> str:
    """The columns of index.parquet."""
    rows = ([code(field.name), code(_arrow(field.type)), plain(COLUMNS[field.name])] for field in SCHEMA)
    return table(("Column", "Type", "Holds"), rows)


def _row(
    name: str,
    dtype: str,
    dimensions: Sequence[str],
    row_shape: Iterable[int],
    chunk: Iterable[int],
    fill: float,
    attributes: dict[str, Any],
) -> list[str]:
    told = [attributes["long_name"], *([attributes["comment"]] if "comment" in attributes else [])]
    unit = attributes.get("raw_units", attributes.get("units", "1"))
    told += [] if unit == "1" else [f"In {unit}." if "raw_units" not in attributes else f"Raw unit: {unit}."]
    sizes = ["N", *map(str, row_shape)]
    return [
        code(name), dtype, " × ".join(f"{size}&nbsp;{name}" for size, name in zip(sizes, dimensions, strict=True)),
        " × ".join(map(str, chunk)), f"{fill:g}", plain(". ".join(text.rstrip(".") for text in told) + "."),
    ]  # fmt: skip


def _legend(classes: Sequence[LandCoverClass]) -> str:
    rows = (
        [str(one.code), plain(one.name), f'<span class="swatch" style="background:{one.colour}"></span> `{one.colour}`']
        for one in classes
    )
    return table(("Value", "Class", "Colour"), rows)


def _arrow(kind: pa.DataType) -> str:
    if pa.types.is_struct(kind):
        return "struct of " + ", ".join(f"{field.name}: {field.type}" for field in kind)
    return "list of double" if pa.types.is_list(kind) else str(kind)
