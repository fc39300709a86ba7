"""What a release of a data set is called, by whom and when: told by its makers, deciding no pixel."""

import datetime
from typing import Final

from pydantic import Field

from pipeline.schema.strict import Strict

VERSION: Final = r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$"
"""Semantic versioning without pre-releases (semver.org 2.0.0, item 2)."""


class Creator(Strict):
    """A person or an organisation that made the data set."""

    name: str = Field(min_length=1)
    """Family name, then given names, or an organisation's name."""
    affiliation: str | None = None
    orcid: str | None = Field(default=None, pattern=r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$")


class ReleaseSettings(Strict):
    """The `release` of a recipe; whoever publishes a data set of their own fills it in."""

    version: str = Field(default="0.1.0", pattern=VERSION)
    """The data set's own version, not the software's."""
    date: datetime.date | None = None
    """Day of the release; without it the day on which the manifest is written (UTC)."""
    title: str | None = Field(default=None, min_length=1)
    """Without it, what the kind of data set is called."""
    creators: tuple[Creator, ...] = ()
    """Without any, 'NoLDO contributors'."""
    url: str | None = Field(default=None, pattern=r"^https?://\S+$")
    """Where the release is, or will be, found."""
    doi: str | None = Field(default=None, pattern=r"^10\.\d{4,9}/\S+$")
    keywords: tuple[str, ...] = ()
    """Beside those of the kind of data set."""
    hub: str | None = Field(default=None, pattern=r"^[\w.-]+/[\w.-]+$")
    """Repository of data sets on the Hugging Face Hub, OWNER/NAME."""
