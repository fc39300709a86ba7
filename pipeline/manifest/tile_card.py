"""The short data card of a downstream data set."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipeline.manifest.card import EMULATED_TERMS, READ_AND_CHECK
from pipeline.manifest.checksums import CHECKSUMS_FILE
from pipeline.manifest.tile_index import TileStore
from pipeline.manifest.tile_sets import TileSet
from pipeline.schema.bands import S1_BANDS, S1_NODATA, S2_BANDS, S2_NODATA
from pipeline.schema.landcover import IGNORE
from pipeline.tile_arrays import LEGENDS

CARD: Final = (
    """\
# {title}

{data}

{labels}

| store | split | tiles | side | labelled pixels |
|---|---|---|---|---|
{stores}

Every store (Zarr v3) has a row a tile, 10 m pixels in the tile's own UTM zone:

| array | type | holds |
|---|---|---|
| `s2` | uint16 (N, 13, P, P) | Sentinel-2 L1C digital numbers, raw: {s2_bands}; {s2_nodata} where not observed |
| `s1` | float32 (N, 2, P, P) | Sentinel-1 GRD IW backscatter in dB: {s1_bands}; {s1_nodata:g} where not observed |
{legends}
| `ignore` | uint8 (N, P, P) | 1 where `{last}` has no label |
| `epsg`, `geotransform` | int32 (N), float64 (N, 6) | its place: x = a*col + b*row + c, y = d*col + e*row + f |

Smaller tiles stand in the middle; what was added around them holds no data and no label, and the geotransform is
that of the row as stored. `index.parquet` (GeoParquet) has a row a tile: scene ids, times, place, share of labels;
`statistics.json` pixels a class and band statistics; `dropped.parquet` the tiles that are not here and why;
`provenance.json` the recipe, the source and the versions.

## Read
```python
import zarr
group = zarr.open_group("{first}", mode="r")
image, label = group["s2"][0], group["{last}"][0]
```
"""
    + READ_AND_CHECK
)


def tile_card(described: TileSet, stores: Sequence[tuple[str, TileStore]], provenance: Mapping[str, Any]) -> str:
    """The card as Markdown; `stores` with their paths in the run directory."""
    names = [count.array for count in stores[0][1].shards[0].labels]
    return CARD.format(
        title=described.title,
        data=provenance["data"],
        labels=described.labels,
        stores="\n".join(_store_line(path, store) for path, store in stores),
        s2_bands=", ".join(S2_BANDS),
        s1_bands=", ".join(S1_BANDS),
        s2_nodata=S2_NODATA,
        s1_nodata=S1_NODATA,
        legends="\n".join(_legend_line(name) for name in LEGENDS if name in names),
        last=names[-1],
        first=stores[0][0],
        checksums=CHECKSUMS_FILE,
        dataset=provenance["content_digest"]["dataset"],
        terms=EMULATED_TERMS if provenance["emulated"] else described.terms,
    )


def _store_line(path: str, store: TileStore) -> str:
    labelled = sum(sum(shard.labelled_px) for shard in store.shards)
    side = store.rows[0].grid.width_px
    return f"| `{path}` | {store.split} | {len(store.rows):,} | {side} px | {labelled:,} |"


def _legend_line(name: Any) -> str:
    classes = ", ".join(f"{c.code} {c.name}" for c in LEGENDS[name])
    return f"| `{name}` | uint8 (N, P, P) | {classes}; {IGNORE} no label |"
