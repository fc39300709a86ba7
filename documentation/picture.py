"""The picture of README.md: the samples of a run's report page, one location in all layers, as a browser draws them.

.venv/bin/python -m documentation.picture runs/demo docs/images/samples.webp
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from PIL import Image, ImageChops

WIDTH_PX: Final = 1180
HEIGHT_PX: Final = 2600
"""Of the browser's window: more than the section takes."""
MARGIN_PX: Final = 16
QUALITY: Final = 60
"""Of the WebP file, 0..100: under 200 kB."""

ALONE: Final = """<style>
  body > *:not(main), main > *:not(#samples), #samples > *:not(.browser), .picker, .browser-tools, .readout, .keys,
  .scenes, .season:nth-child(even), .browser > p { display: none !important; }
  .seasons { display: block !important; }
  .shots { display: grid !important; grid-template-columns: repeat(6, 1fr) !important; gap: 8px !important; }
  .season + .season { margin-top: 12px; }
</style>"""
"""Leaves of the page the samples, two seasons of one location, each season's layers side by side."""

FIRST: Final = 'name="layer" value="true" checked'
ALL: Final = 'name="layer" value="all"'
BROWSER: Final = (
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--virtual-time-budget=8000",
)  # fmt: skip


def prepared(page: str) -> str:
    """The page with all layers chosen, and nothing shown but its samples."""
    if FIRST not in page or ALL not in page:
        raise ValueError("the report page has no choice of layers as this program knows it")
    page = page.replace(FIRST, FIRST.removesuffix(" checked")).replace(ALL, f"{ALL} checked")
    return page.replace("</head>", f"{ALONE}</head>")


def trimmed(image: Image.Image) -> Image.Image:
    """The image without the empty border around what it shows, but for a margin."""
    plain = image.convert("RGB")
    empty = Image.new("RGB", plain.size, plain.getpixel((0, plain.height - 1)))
    left, top, right, bottom = ImageChops.difference(plain, empty).getbbox() or (0, 0, *plain.size)
    return plain.crop(
        (
            max(left - MARGIN_PX, 0),
            max(top - MARGIN_PX, 0),
            min(right + MARGIN_PX, plain.width),
            min(bottom + MARGIN_PX, plain.height),
        )
    )


def main(run: Path, out: Path) -> None:
    """Draw the samples of the report of `run`, and save them as `out`."""
    with tempfile.TemporaryDirectory() as name:
        page, shot = Path(name) / "page.html", Path(name) / "shot.png"
        page.write_text(prepared((run / "report.html").read_text(encoding="utf-8")), encoding="utf-8")
        where = (f"--user-data-dir={name}/profile", f"--screenshot={shot}", f"--window-size={WIDTH_PX},{HEIGHT_PX}")
        subprocess.run([*BROWSER, *where, page.as_uri()], check=True, capture_output=True)
        out.parent.mkdir(parents=True, exist_ok=True)
        trimmed(Image.open(shot)).save(out, quality=QUALITY, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
