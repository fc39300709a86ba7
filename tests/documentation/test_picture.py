"""The picture of README.md is made of the report page as it is, and shows no empty border."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from documentation.picture import ALL, FIRST, MARGIN_PX, prepared, trimmed


def test_of_a_report_page_all_layers_are_chosen_and_its_samples_are_left(small_run: tuple[Path, Any]) -> None:
    page = prepared((small_run[0] / "report.html").read_text())
    assert FIRST not in page
    assert f"{ALL} checked" in page
    assert "display: none" in page.partition("</head>")[0]
    for name in ('id="samples"', 'class="browser', 'class="seasons"', 'class="shots"', 'class="scenes"'):
        assert name in page, f"{name} is what the picture's own style knows"


def test_a_page_without_that_choice_is_refused() -> None:
    with pytest.raises(ValueError, match="no choice of layers"):
        prepared("<head></head>")


def test_the_border_goes_but_for_a_margin() -> None:
    image = Image.new("RGB", (400, 300), "white")
    image.paste("black", (100, 120, 200, 180))
    assert trimmed(image).size == (100 + 2 * MARGIN_PX, 60 + 2 * MARGIN_PX)
    assert trimmed(Image.new("RGB", (40, 30), "white")).size == (40, 30)
