"""The two kinds of image that a network may see."""

from typing import Literal

Modality = Literal["s1", "s2"]
"""Sentinel-1 (radar) or Sentinel-2 (optical)."""

MODALITIES: tuple[Modality, ...] = ("s1", "s2")
