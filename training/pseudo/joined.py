"""Two label sources made one."""

from typing import Final, Literal, assert_never

import numpy as np
from numpy.typing import NDArray

from pipeline.schema.landcover import IGNORE

Join = Literal["agreement", "union"]

MEANING: Final[dict[Join, str]] = {
    "agreement": "the class that Dynamic World and the pseudo-label both give, no label where they differ",
    "union": "Dynamic World's label, and the pseudo-label where Dynamic World has none",
}


def joined(own: NDArray[np.uint8], pseudo: NDArray[np.uint8], how: Join) -> NDArray[np.uint8]:
    """Join label maps of one shape, uint8, 255 for no label.

    agreement: the class that both give, and no label where they differ or one has none. union: `own`, and `pseudo`
    where `own` has no label.
    """
    if how == "agreement":
        return np.where(own == pseudo, own, np.uint8(IGNORE))
    if how == "union":
        return np.where(own == IGNORE, pseudo, own)
    assert_never(how)
