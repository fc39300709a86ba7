"""The short data card: what a data set is, how to read it, how to check it."""

from collections.abc import Mapping
from typing import Any, Final

from pipeline.manifest.checksums import CHECKSUMS_FILE
from pipeline.schema.bands import S1_BANDS, S2_BANDS
from pipeline.schema.landcover import DW_CLASSES, IGNORE

READ_AND_CHECK: Final = """\
With xarray, open with `mask_and_scale=False`, or labels become floating point.

## Check
In the folder that holds `manifest/` and `store/`:
```
sha256sum -c --quiet manifest/{checksums}
noldo manifest digest .
```
The second reads every pixel and must print the content digest of the data set,
`{dataset}`.
It does not depend on codec, chunks or shards.

## Sources and terms
{terms}
"""
"""How every card ends."""

CARD: Final = (
    """\
# {name}: Sentinel-1, Sentinel-2 and noisy Dynamic World labels over four seasons

{data}

{rows} locations x 4 seasons, patches of {patch_px} x {patch_px} pixels at 10 m. Labels are Dynamic World's most likely
class at the Sentinel-2 scene's own moment, as they come: about 70 % right, not corrected. Meant for pretraining under
label noise, not for measuring land cover.

| array of `{store}` | type and shape | holds |
|---|---|---|
| `s2` | uint8 ({rows}, 4, 13, {patch_px}, {patch_px}) | Sentinel-2 L1C: {s2_bands} |
| `s1` | uint8 ({rows}, 4, 2, {patch_px}, {patch_px}) | Sentinel-1 GRD IW: {s1_bands} |
| `dw` | uint8 ({rows}, 4, {patch_px}, {patch_px}) | {classes}; {ignore} no label |

Images are scaled to 0..255; mean, std and clip are in each array's `scaling` attribute. `index.parquet` (GeoParquet)
has a row per location and season: scene ids, times, `epsg` and `geotransform` (a, b, c, d, e, f), so that
x = a*col + b*row + c and y = d*col + e*row + f at the corner of a pixel. `statistics.json` has class histograms and
band statistics, `provenance.json` the recipe, the source and the versions.

## Read
```python
import zarr
group = zarr.open_group("{store}", mode="r")
image, label = group["s2"][0, 0], group["dw"][0, 0]
```
"""
    + READ_AND_CHECK
)

REAL_TERMS: Final = """\
Contains modified Copernicus Sentinel data, processed through Google Earth Engine. Dynamic World V1 (Brown et al. 2022,
doi 10.1038/s41597-022-01307-4) is licensed CC BY 4.0: produced for the Dynamic World Project by Google in partnership
with National Geographic Society and the World Resources Institute."""

EMULATED_TERMS: Final = "The pixels are computed and depict no place on Earth; no satellite data are contained."


def data_card(*, name: str, store: str, rows: int, patch_px: int, provenance: Mapping[str, Any]) -> str:
    """The card as Markdown; `store` is the store's path in the run directory."""
    return CARD.format(
        name=name,
        store=store,
        rows=rows,
        patch_px=patch_px,
        data=provenance["data"],
        s2_bands=", ".join(S2_BANDS),
        s1_bands=", ".join(S1_BANDS),
        classes=", ".join(f"{c.code} {c.name}" for c in DW_CLASSES),
        ignore=IGNORE,
        checksums=CHECKSUMS_FILE,
        dataset=provenance["content_digest"]["dataset"],
        terms=EMULATED_TERMS if provenance["emulated"] else REAL_TERMS,
    )
