from rasterio.errors import RasterioIOError
from rasterio.io import MemoryFile

from pipeline.schema.raster_reason import raster_reason


def test_the_same_bytes_are_refused_in_the_same_words() -> None:
    said = set()
    for _ in range(2):
        try:
            with MemoryFile(b"no raster at all") as memory, memory.open(driver="GTiff"):
                pass
        except RasterioIOError as error:
            said.add(raster_reason(error))
    (words,) = said
    assert words.startswith("it not recognized")
