"""What there is to read: every file once, pixels by shards where they lie so, and by rows where they do not."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.files import storage_reason
from pipeline.manifest.verify.expected import ExpectedRows, expected_rows
from pipeline.manifest.verify.finding import Check, Finding
from pipeline.manifest.verify.index_rows import index_rows
from pipeline.manifest.verify.label_share import stated_shares
from pipeline.manifest.verify.other_layout import BlockJob, blocks
from pipeline.manifest.verify.presence import Presence, is_of_store, missing
from pipeline.manifest.verify.sample import Sample
from pipeline.manifest.verify.shard_job import ShardJob, lost_rows
from pipeline.manifest.verify.shard_layout import ShardLayout, shard_layout
from pipeline.manifest.verify.tree import PublishedTree


@dataclass
class Jobs:
    """All reading, and what is known before it."""

    shards: list[ShardJob] = field(default_factory=list)
    blocks: list[BlockJob] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    """Of which only the SHA-256 is to be compared: path -> published."""
    unread: list[str] = field(default_factory=list)
    """Listed files that the sample leaves out."""
    rows: int = 0
    """Of arrays, that are to be compared."""
    unread_rows: int = 0
    """Of arrays, that the sample leaves out."""
    to_find: list[str] = field(default_factory=list)
    """Of these, those of which it is not known whether they are there."""
    findings: list[Finding] = field(default_factory=list)
    skipped: dict[Check, list[str]] = field(default_factory=lambda: defaultdict(list))


def plan_jobs(tree: PublishedTree, presence: Presence, sample: Sample, *, recompressed: bool) -> Jobs:
    """Say what is to be read, each file once. Rows whose file is known not to be there are findings."""
    jobs = Jobs()
    rows = index_rows(tree)
    shares = stated_shares(tree, rows) if rows is not None else {}
    planner = _Planner(tree, presence, sample, recompressed, shares, jobs)
    for store, arrays in tree.arrays.items():
        for array in arrays:
            planner.plan_array(store, array)
    planner.plan_files()
    return jobs


@dataclass(frozen=True)
class _Planner:
    tree: PublishedTree
    presence: Presence
    sample: Sample
    recompressed: bool
    shares: Mapping[str, NDArray[np.float64]]
    jobs: Jobs

    def plan_array(self, store: str, array: str) -> None:
        """Plan the reading of one array."""
        rows, findings = expected_rows(self.tree, store, array, self.shares)
        self.jobs.findings += findings
        opened = self.tree.arrays[store][array]
        if not opened.shape:
            self.jobs.findings.append(rows.finding("content", 0, "the array has no rows"))
            return
        layout = shard_layout(opened)
        published = len(rows.digests.digest) if rows.digests is not None else opened.shape[0]
        if layout is None or (rows.digests is None and self.recompressed):
            self._plan_blocks(rows, opened, published)
        else:
            self._plan_shards(rows, replace(layout, rows=min(layout.rows, published)))

    def _plan_shards(self, rows: ExpectedRows, layout: ShardLayout) -> None:
        if not layout.checksummed:
            self.jobs.skipped["crc32c"].append(f"{rows.path} was written without checksums of its chunks")
        chosen = self.sample.chosen(rows.store, layout.shards)
        for shard in range(layout.shards):
            path = f"{rows.path}/{layout.file(shard)}"
            sha256 = None if self.recompressed else self.tree.checksums.get(path)
            there = not self.presence.listable or path in self.presence.sizes
            self._count(layout.rows_of(shard), shard in chosen)
            if shard not in chosen:
                self.jobs.unread += [path] if sha256 is not None else []
            elif there:
                self.jobs.shards.append(ShardJob(rows, layout, shard, sha256))
            elif self.recompressed:
                self.jobs.blocks.append(BlockJob(rows, self._array(rows), layout.rows_of(shard)))
            else:
                self.jobs.findings += lost_rows(ShardJob(rows, layout, shard, sha256), "its file is not there")

    def _plan_blocks(self, rows: ExpectedRows, opened: object, published: int) -> None:
        cut = [job for job in blocks(rows, opened) if job.block.start < published]
        chosen = self.sample.chosen(rows.store, len(cut))
        for number, job in enumerate(cut):
            self._count(job.block, number in chosen)
            self.jobs.blocks += [job] if number in chosen else []
        why = f"{rows.path} lies otherwise than a build writes it; zarr compares what checksums its chunks have"
        self.jobs.skipped["crc32c"].append(why)

    def plan_files(self) -> None:
        """Plan the reading of all other files; what holds no pixels is never left out."""
        done = {job.path for job in self.jobs.shards} | set(self.jobs.unread)
        rest: dict[str, list[str]] = defaultdict(list)
        for path, sha256 in self.tree.checksums.items():
            if path in done or (self.presence.listable and path not in self.presence.sizes):
                continue
            if not is_of_store(path):
                self.jobs.files[path] = sha256
            elif not self.recompressed:
                rest[self._sampled_folder(path)].append(path)
        for folder, paths in rest.items():
            chosen = self.sample.of(folder, paths) if folder else paths
            self.jobs.files |= {path: self.tree.checksums[path] for path in chosen}
            self.jobs.unread += sorted(set(paths) - set(chosen))
        if not self.presence.listable:
            self.jobs.to_find += self.jobs.unread
        if self.recompressed:
            self.jobs.skipped["files"].append("files of the stores: packed anew")
            self.jobs.skipped["checksums"].append("files of the stores: packed anew")

    def _sampled_folder(self, path: str) -> str:
        """The folder of the array whose pixels a file holds; empty of a file that holds none."""
        store, array = "/".join(path.split("/")[:2]), path.split("/")[2]
        pixels = array in self.tree.arrays.get(store, {}) and not path.endswith("zarr.json")
        return f"{store}/{array}" if pixels else ""

    def _count(self, rows: range, chosen: bool) -> None:
        self.jobs.rows += len(rows) * chosen
        self.jobs.unread_rows += len(rows) * (not chosen)

    def _array(self, rows: ExpectedRows) -> object:
        return self.tree.arrays[rows.store][rows.array]


def unavailable(job: ShardJob, error: Exception) -> Iterator[Finding]:
    """What is lost with a file that turned out not to be there, or not to be readable."""
    yield unreadable(job.path, error)
    yield from lost_rows(job, "its file is not there" if isinstance(error, FileNotFoundError) else "nor can its file")


def unreadable(path: str, error: Exception) -> Finding:
    """A file that is not there, or cannot be read."""
    if isinstance(error, FileNotFoundError):
        return missing(path)
    return Finding("files", path, f"cannot be read: {storage_reason(error)}", path=path)
