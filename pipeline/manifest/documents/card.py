"""README.md: the data card, with its head for the Hugging Face Hub."""

from collections.abc import Iterable, Iterator
from typing import Final

from pipeline.manifest.checksums import CHECKSUMS_FILE
from pipeline.manifest.described import ArrayDescribed, Described, StoreDescribed
from pipeline.manifest.documents.hub_head import hub_head
from pipeline.manifest.documents.kinds import (
    EMULATED,
    dataset_digest,
    is_emulated,
    plain_summary,
    text_of,
    title_of,
)
from pipeline.manifest.documents.licences import attributions, licence_of
from pipeline.manifest.documents.limitations import biases, limitations, use_cases
from pipeline.manifest.documents.names import bibtex
from pipeline.schema.landcover import IGNORE
from pipeline.tile_arrays import LEGENDS

READ: Final = """\
## Read

In the folder that holds `manifest/` and `store/`:
```python
import zarr
group = zarr.open_group("{store}", mode="r")
image, label = group["s2"][{first}], group["{label}"][{first}]
```
With xarray, open with `mask_and_scale=False`, or labels become floating point.

## Check

There again:
```
sha256sum -c --quiet manifest/{checksums}
noldo manifest verify .
```
The second reads every pixel, and compares index, stores and documents with one another and with the content digest of
the data set,
`{digest}`.
It does not depend on codec, chunks or shards.
"""


def card_text(described: Described) -> str:
    """README.md."""
    return hub_head(described) + "\n".join(_lines(described))


def _lines(described: Described) -> Iterator[str]:
    text, first = text_of(described), described.stores[0]
    yield f"# {title_of(described)}"
    yield ""
    if is_emulated(described):
        yield f"**{EMULATED}**"
        yield ""
    yield str(described.provenance["data"])
    yield ""
    yield plain_summary(described)
    yield ""
    yield from _stores(described)
    yield text.files
    yield ""
    yield READ.format(
        store=first.path,
        first="0, 0" if described.seasons > 1 else "0",
        label=_label(first),
        checksums=CHECKSUMS_FILE,
        digest=dataset_digest(described),
    )
    yield from _section("Meant for", use_cases(described))
    yield from _section("Limitations", limitations(described))
    yield from _section("Biases", biases(described))
    licence = licence_of(described)
    yield from _section(
        "Licence",
        [f"The compilation: {licence.name}, {licence.url}. All terms: `LICENSES.md`.", *attributions(described)],
    )
    yield "## Cite"
    yield ""
    yield "As in `CITATION.cff`:"
    yield "```bibtex"
    yield bibtex(described)
    yield "```"
    yield ""


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    for line in lines:
        yield f"- {line}"
    yield ""


def _stores(described: Described) -> Iterator[str]:
    if len(described.stores) > 1:
        yield "| store | split | rows | side |"
        yield "|---|---|---|---|"
        for store in described.stores:
            yield f"| `{store.path}` | {store.split} | {store.rows:,} | {side_px(store)} px |"
        yield ""
    first = described.stores[0]
    yield f"| array of `{first.path}` | type and shape | holds |"
    yield "|---|---|---|"
    for array in first.arrays:
        yield f"| `{array.name}` | {array.dtype} {array.shape} | {_holds(array)} |"
    yield ""


def side_px(store: StoreDescribed) -> int:
    """The side of a store's images, pixels."""
    return next(array.shape[-1] for array in store.arrays if array.name == "s2")


def _holds(array: ArrayDescribed) -> str:
    title = str(array.attributes.get("long_name", array.name))
    if array.name in LEGENDS:
        classes = ", ".join(
            f"{c.code} {c.name}" for name, legend in LEGENDS.items() if name == array.name for c in legend
        )
        return f"{title}: {classes}; {IGNORE} no label"
    bands = ", ".join(array.attributes.get("bands", ()))
    return f"{title}: {bands}" if bands else title


def _label(store: StoreDescribed) -> str:
    """The label array that the data set is for: the last, as in LEGENDS."""
    return [name for name in LEGENDS if any(array.name == name for array in store.arrays)][-1]
