import numpy as np

from pipeline.report import picture
from pipeline.report.layers import class_layer, confidence_layer, image_layers, used_legends
from pipeline.schema.bands import S1_SCALING, S2_BANDS, S2_BANDS_9, S2_SCALING, Scaling
from pipeline.schema.landcover import DW_CLASSES, IGNORE, OSM_CLASSES


def test_legends_are_those_of_the_layers_in_their_colours() -> None:
    label = np.array([[[1, IGNORE]]], np.uint8)
    layers = [class_layer("osm", "OSM label", label, "osm"), confidence_layer("c", "sure", label)]
    osm, confidence = used_legends(layers)
    assert osm.entries[0] == (OSM_CLASSES[0].colour, "1 urban fabric")
    assert osm.entries[-1] == ("#808080", "no label")
    assert confidence.ramp == picture.WEIGHT_RAMP
    assert layers[0].pictures == (picture.classes(label[0], OSM_CLASSES),)
    (dw,) = used_legends([class_layer("label", "DW label", label, "dw")])
    assert len(dw.entries) == len(DW_CLASSES) + 1


def test_a_store_of_nine_bands_has_the_same_pictures_of_the_same_ground() -> None:
    rng = np.random.default_rng(1)
    s2 = rng.integers(0, 255, (2, 13, 16, 16), dtype=np.uint8)
    s1 = rng.integers(0, 255, (2, 2, 16, 16), dtype=np.uint8)
    at = [S2_BANDS.index(band) for band in S2_BANDS_9]
    nine = Scaling(S2_BANDS_9, *(tuple(values[i] for i in at) for values in (S2_SCALING.mean, S2_SCALING.std)))
    of_13 = image_layers(s2, s1, S2_SCALING, S1_SCALING)
    of_9 = image_layers(s2[:, at], s1, nine, S1_SCALING)
    assert [layer.pictures for layer in of_13] == [layer.pictures for layer in of_9]
    assert len({layer.pictures[0] for layer in of_13}) == 3
