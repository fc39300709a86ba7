from pipeline.manifest.made_from import Dropped
from pipeline.report.tile_drops import drop_reasons


def test_reasons_stand_in_the_order_of_the_build_with_an_example() -> None:
    found = drop_reasons([
        Dropped("b", "test", "pair", "no S2 scene", "none in any UTM zone"),
        Dropped("c", "train", "agreement", "OSM and DW disagree", ""),
        Dropped("a", "train", "pair", "no S2 scene", "2019-01-01"),
        Dropped("d", "train", "pair", "no S1 scene", ""),
        Dropped("README.txt", "", "tiles", "not a GeoTIFF", "its name ends in '.txt'"),
    ])  # fmt: skip
    assert [(row.stage, row.reason, row.tiles, row.splits) for row in found] == [
        ("reading the files", "not a GeoTIFF", 1, ""),
        ("pairing with scenes", "no S2 scene", 2, "1 test, 1 train"),
        ("pairing with scenes", "no S1 scene", 1, "1 train"),
        ("agreement of OSM and DW", "OSM and DW disagree", 1, "1 train"),
    ]
    assert (found[1].example, found[2].example) == ("a: 2019-01-01", "d")
    assert drop_reasons([]) == ()
