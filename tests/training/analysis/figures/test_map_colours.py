import numpy as np
import pytest

from training.analysis.figures.map_colours import COVER, UNKNOWN, USE, as_colours, palette
from training.analysis.figures.style import COLOURS

# Severity 1 of Machado, Oliveira and Fernandes (2009), on linear RGB.
SIGHTS = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)


def nearest_pair(colours: tuple[str, ...], sight: str) -> float:
    """The smallest distance in CIELAB (CIE76) between two of the colours."""
    rgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = np.clip(linear @ np.array(SIGHTS[sight]).T, 0, 1) @ TO_XYZ.T / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    lab = np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
    distances = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    return float(distances[~np.eye(len(lab), dtype=bool)].min())


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("colours", [(*COVER, UNKNOWN), (*USE, UNKNOWN), COLOURS], ids=["cover", "use", "lines"])
def test_colours_can_be_told_apart(colours: tuple[str, ...], sight: str) -> None:
    # 2.3 is a just noticeable difference (Mahy et al. 1994); what lies far apart on a page needs several times that.
    assert nearest_pair(colours, sight) > 12.0


def test_maps_take_the_legends_colours() -> None:
    shown = as_colours(np.array([[0, 8, 255]], np.uint8), 9)
    assert shown.tolist() == [[[0x0A, 0x78, 0xF7], [0xA2, 0xB3, 0xCC], [255, 255, 255]]]
    assert palette(8) == COVER[:8]
    assert palette(13) == USE
    with pytest.raises(ValueError, match="14 classes has no colours"):
        palette(14)
