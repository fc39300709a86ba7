"""What a release of a data set is called, by whom and when: told by its makers, deciding no pixel."""

import datetime
from typing import Any, Final, Literal

from pydantic import Field

from pipeline.schema.strict import Strict

VERSION: Final = r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$"
"""Semantic versioning without pre-releases (semver.org 2.0.0, item 2)."""


LicenceId = Literal[
    "CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "ODbL-1.0", "ODC-By-1.0", "PDDL-1.0"
]
"""Licences for data, as SPDX has them, that CFF 1.2.0 and the Hugging Face Hub know too."""


class Creator(Strict):
    """A person or an organisation that made the data set."""

    name: str = Field(min_length=1)
    """Family name, then given names, or an organisation's name."""
    affiliation: str | None = None
    """Where a person works."""
    orcid: str | None = Field(default=None, pattern=r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$")
    """A person's ORCID iD, 0000-0000-0000-0000."""


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
    """The release's DOI, without the address of a resolver."""
    keywords: tuple[str, ...] = ()
    """Beside those of the kind of data set."""
    licence: LicenceId | None = None
    """Of the compilation; without it CC-BY-4.0. Always ODbL-1.0 where OpenStreetMap is part of it."""
    hub: str | None = Field(default=None, pattern=r"^[\w.-]+/[\w.-]+$")
    """Repository of data sets on the Hugging Face Hub, OWNER/NAME."""


class Released(Strict):
    """A recipe of a data set that can be published."""

    release: ReleaseSettings = ReleaseSettings()
    """What the release is called; decides no pixel and may change between runs."""

    def canonical(self) -> dict[str, Any]:
        """The recipe as plain data, defaults filled in; `release` is in it only where the recipe speaks of it.

        A recipe that does not leaves what its run is called already.
        """
        unsaid = None if "release" in self.model_fields_set else {"release"}
        return self.model_dump(mode="json", by_alias=True, exclude=unsaid)

    def described(self) -> dict[str, Any]:
        """What the recipe says of the data set, not of how it is called: `canonical` without the release."""
        return self.model_dump(mode="json", by_alias=True, exclude={"release"})
