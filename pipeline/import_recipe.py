"""What decides an imported data set: where its files lie, and how they are filtered and packed, as plain settings."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from pipeline.content import canonical_json
from pipeline.export import ExportSettings
from pipeline.importers.imported import S2_OFFSET
from pipeline.importers.split_file import split_parts
from pipeline.pack import StoreSettings
from pipeline.quality import QualitySettings
from pipeline.recipe import canonical_digest
from pipeline.schema.errors import UsageError
from pipeline.schema.paths import AnyPath
from pipeline.schema.release import Released
from pipeline.schema.strict import Strict

Kind = Literal["ssl4eo", "ssl4eo-v1.1"]


class FilesSettings(Strict):
    """The published files on this machine."""

    kind: Kind
    """Edition of the images: ssl4eo (v1, tars or folders) or ssl4eo-v1.1 (Zarr zips)."""
    images: tuple[Path, ...] = Field(min_length=1)
    """Archives, or folders of them."""
    labels: Path | None = None
    """ssl4eo_s12_nol.zip; without it no pixel has a label."""
    resampling: Literal["bilinear", "nearest"] = "bilinear"
    """Of bands that were saved at 20 or 60 m, onto 10 m (v1)."""
    offset_dn: int = Field(default=S2_OFFSET, ge=0)
    """Taken off the digital numbers (v1.1, whose Zarr edition bears it throughout). v1 has none, but for scenes of
    baseline 04.00 and later, which are told by their metadata."""

    def paths(self) -> tuple[Path, ...]:
        """Everything that is named."""
        return (*self.images, *(() if self.labels is None else (self.labels,)))


class ImportRecipe(Released):
    """Everything that decides an imported data set, in the terms of a build's recipe."""

    kind: Literal["import"] = "import"
    name: str = Field(default="nol", pattern=r"^[a-z][a-z0-9_]*$")
    """Name of the store."""
    source: FilesSettings
    quality: QualitySettings = QualitySettings()
    store: StoreSettings = StoreSettings()
    part_locations: int = Field(default=32, gt=0)
    """Locations to a part, which are held in memory together: 10 MB each."""

    @model_validator(mode="after")
    def _no_labels_asked_for(self) -> Self:
        if not self.labelled and self.quality.dw_min_valid_share > 0:
            raise ValueError("without labels no location has any, so quality.dw_min_valid_share can only be 0")
        return self

    @property
    def export(self) -> ExportSettings:
        """As a build's, where nothing is asked for: published sets bring no probabilities."""
        return ExportSettings()

    @property
    def labelled(self) -> bool:
        """Whether labels are joined to the images."""
        return self.source.labels is not None

    def store_content(self) -> dict[str, Any]:
        """The store settings that decide its bytes; not what becomes of the staging."""
        return self.store.model_dump(mode="json", exclude={"staging"})

    def published(self) -> dict[str, Any]:
        """What decides the data set, without paths of this machine."""
        plain = {key: value for key, value in self.described().items() if key != "part_locations"}
        plain["store"] = self.store_content()
        labels = self.source.labels
        edition, images = self.source.kind, [path.name for path in self.source.images]
        plain["source"].update(
            kind="import", edition=edition, images=images, labels=None if labels is None else labels.name
        )
        return plain

    def digest(self, listed: str | None = None) -> str:
        """SHA-256 over what decides the data set; `listed` is the fingerprint of the files, in place of their paths."""
        plain = self.published()
        plain["source"].update(images=None, labels=self.labelled, files=listed)
        return canonical_digest(plain)


def fingerprint(paths: Iterable[Path], out: AnyPath | None = None) -> str:
    """SHA-256 over names and sizes of the files named and of every file within the folders named, but for `out`.

    Not over their content, which would take hours of a terabyte.
    """
    return hashlib.sha256(canonical_json(sorted(_digest(path.resolve(), str(out)) for path in paths))).hexdigest()


def _digest(path: Path, out: str) -> str:
    digest = hashlib.sha256()
    try:
        for name, size in _sizes(path, out):  # millions of them, which are not held at once
            digest.update(os.fsencode(name) + b"\0%d\n" % size)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read ({error.strerror}); correct the path") from error
    return digest.hexdigest()


def _sizes(path: Path, out: str) -> Iterator[tuple[str, int]]:
    if path.is_file():
        yield from ((piece.name, piece.stat().st_size) for piece in split_parts(path))
    else:
        yield from ((name.removeprefix(str(path)), size) for name, size in _within(str(path), out))


def _within(folder: str, out: str) -> Iterator[tuple[str, int]]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False):
            yield entry.path, entry.stat().st_size if entry.is_file() else 0
        elif entry.path != out:
            yield from _within(entry.path, out)
