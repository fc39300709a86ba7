"""Verify a published data set: everything that its manifest says is held against everything that is there."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.files import can_list, is_local
from pipeline.manifest.verify import signature
from pipeline.manifest.verify.finding import CHECKS, Finding
from pipeline.manifest.verify.jobs import Jobs, plan_jobs, unavailable, unreadable
from pipeline.manifest.verify.other_layout import BlockJob, check_block
from pipeline.manifest.verify.presence import check_presence, is_there, look, missing
from pipeline.manifest.verify.report import VerifyReport
from pipeline.manifest.verify.sample import Sample
from pipeline.manifest.verify.sha256_lanes import lanes
from pipeline.manifest.verify.shard_check import check_file, check_shards, is_reading
from pipeline.manifest.verify.shard_file import Memory
from pipeline.manifest.verify.shard_job import Checked, ShardJob
from pipeline.manifest.verify.tree import NOT_THERE, PublishedTree, open_tree
from pipeline.manifest.verify.whole_checks import WHOLE_CHECKS, impossible
from pipeline.schema.errors import UsageError
from pipeline.schema.paths import AnyPath

REMOTE_THREADS: Final = 4
"""Objects read at once from object storage or the web; each is held whole: 230 MB of a full-sized store."""

SIDE_BY_SIDE: Final = 2
"""Shards that a thread reads at once from a disk: their bytes and rows are four messages, hashed side by side."""


@dataclass(frozen=True)
class Progress:
    """How far a verification is."""

    files: int
    files_in_all: int
    bytes: int


OnProgress = Callable[[Progress], None]


def verify(
    root: AnyPath,
    *,
    sample: float = 1.0,
    seed: int = 0,
    key: Path | None = None,
    threads: int | None = None,
    recompressed: bool = False,
    on_progress: OnProgress = lambda _: None,
) -> VerifyReport:
    """Hold a data set, `manifest/` and `store/` under `root`, against its manifest.

    `sample` is the share of shards that is read, drawn with `seed`; the manifest is always read whole, and all files
    are looked for. With `recompressed` the stores may be packed in any way, so that their files are not compared, only
    what they hold. `key` is a public key, or a file of allowed signers, that must have signed. Raises UsageError where
    there is no manifest or `key` is neither, NoldoError where it is given and ssh-keygen is not there; all else that is
    wrong is a finding.
    """
    started = time.monotonic()
    tree, findings = open_tree(root)
    if tree is None:
        return _nothing(root, findings, time.monotonic() - started)
    presence = look(root, tree.arrays)
    jobs = plan_jobs(tree, presence, Sample(sample, seed), recompressed=recompressed)
    findings += check_presence(presence, tree.checksums, recompressed=recompressed)
    signed = signature.check(tree, key)
    findings += [*impossible(tree), *signed.findings, *jobs.findings]
    # Before the reading, not beside it: they hold Python's lock, and every thread would wait for it at every block.
    findings += [finding for check in WHOLE_CHECKS for finding in check(tree)]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = threads or (cores if is_local(root) else REMOTE_THREADS)
    read = _Reading(tree, jobs, count, recompressed=recompressed).run(on_progress)
    findings += read.findings
    if not presence.listable:
        jobs.skipped["files"].append("files that are not listed: a web server does not say what it has")
    _say_unread(jobs, sample)
    return VerifyReport(
        root=str(root),
        findings=tuple(sorted(set(findings), key=_order)),
        files=len(jobs.shards) + len(jobs.files),
        bytes=read.bytes,
        rows=read.rows,
        seconds=time.monotonic() - started,
        skipped={check: tuple(reasons) for check, reasons in jobs.skipped.items()},
        signature=signed.line,
    )


def _say_unread(jobs: Jobs, sample: float) -> None:
    """Say of every check what of it the sample left out."""
    why = f"only a sample of {sample:g} was read"
    if jobs.unread:
        jobs.skipped["checksums"].append(f"{len(jobs.unread)} files: {why}")
    if jobs.unread_rows:
        rows = f"{jobs.unread_rows} of {jobs.rows + jobs.unread_rows} rows of arrays: {why}"
        for check in ("crc32c", "content", "values"):
            jobs.skipped[check].append(rows)
        jobs.skipped["index"].append(f"shares of labelled pixels in rows of arrays that were not read: {why}")


def _nothing(root: AnyPath, findings: list[Finding], seconds: float) -> VerifyReport:
    """Of a folder of whose manifest nothing can be read."""
    if all(NOT_THERE in finding.what for finding in findings):
        known = "is not there" if can_list(root) else "is not there, or its server does not answer"
        raise UsageError(f"{root}/manifest {known}; give the folder that holds manifest/ and store/")
    told = {finding.check for finding in findings}
    rest = [
        Finding(check, "manifest", "not checked: nothing of it can be read") for check in CHECKS if check not in told
    ]
    every = tuple(sorted([*findings, *rest], key=_order))
    return VerifyReport(str(root), every, 0, 0, 0, seconds, {}, "not checked")


def _order(finding: Finding) -> tuple[int, str, str, int, str]:
    row = -1 if finding.row is None else finding.row
    return list(CHECKS).index(finding.check), finding.store or "", finding.array or "", row, finding.where


class _StoppedError(Exception):
    """The verification was interrupted; threads end with the block that they are at."""


class _Reading:
    """All jobs, on a few threads."""

    def __init__(self, tree: PublishedTree, jobs: Jobs, threads: int, *, recompressed: bool) -> None:
        self._tree = tree
        self._jobs = jobs
        self._threads = threads
        self._recompressed = recompressed
        self._own = threading.local()
        self._stop = threading.Event()

    def run(self, on_progress: OnProgress) -> Checked:
        """Do all jobs; on an interruption threads end soon, and it is raised again."""
        total, done = Checked(), 0
        lanes()  # compiled here, or each thread that finds it wanting compiles its own
        with ThreadPoolExecutor(self._threads) as pool:
            try:
                reading = self._submit(pool)
                for future in as_completed(reading):
                    total.add(future.result())
                    done += reading[future]
                    on_progress(Progress(done, sum(reading.values()), total.bytes))
            except BaseException:
                self._stop.set()
                pool.shutdown(cancel_futures=True)
                raise
        return total

    def _submit(self, pool: ThreadPoolExecutor) -> dict[Future[Checked], int]:
        """Every task of reading, and how many files or blocks it reads."""
        largest_first = sorted(self._jobs.shards, key=lambda job: -job.layout.row_bytes)
        enough = is_local(self._tree.root) and len(largest_first) >= 2 * SIDE_BY_SIDE * self._threads
        step = SIDE_BY_SIDE if enough else 1
        groups = [largest_first[at : at + step] for at in range(0, len(largest_first), step)]
        return {pool.submit(self._shards, group): len(group) for group in groups} | dict.fromkeys(
            [
                *(pool.submit(self._block, job) for job in self._jobs.blocks),
                *(pool.submit(self._file, path, sha256) for path, sha256 in self._jobs.files.items()),
                *(pool.submit(self._unread, path) for path in self._jobs.to_find),
            ],
            1,
        )

    def _shards(self, jobs: Sequence[ShardJob]) -> Checked:
        total = Checked()
        found = check_shards(self._tree.root, jobs, self._memories(), self._on_bytes)
        for job, one in zip(jobs, found, strict=True):
            total.add(self._unread_shard(job, one) if isinstance(one, Exception) else one)
        return total

    def _unread_shard(self, job: ShardJob, error: Exception) -> Checked:
        if isinstance(error, FileNotFoundError) and self._recompressed:
            array = self._tree.arrays[job.rows.store][job.rows.array]
            return check_block(BlockJob(job.rows, array, job.layout.rows_of(job.shard)))
        return Checked(list(unavailable(job, error)))

    def _block(self, job: BlockJob) -> Checked:
        self._on_bytes(0)
        return check_block(job)

    def _file(self, path: str, sha256: str) -> Checked:
        try:
            return check_file(self._tree.root / path, path, sha256, self._memories()[0], self._on_bytes)
        except Exception as error:
            if not is_reading(error):
                raise
            return Checked([unreadable(path, error)])

    def _unread(self, path: str) -> Checked:
        self._on_bytes(0)
        try:
            return Checked([] if is_there(self._tree.root, path) else [missing(path)])
        except Exception as error:
            if not is_reading(error):
                raise
            return Checked([unreadable(path, error)])

    def _memories(self) -> Sequence[Memory]:
        """This thread's own, one for each file that it reads at once."""
        memories: Sequence[Memory] | None = getattr(self._own, "memories", None)
        if memories is None:
            memories = self._own.memories = [Memory() for _ in range(SIDE_BY_SIDE)]
        return memories

    def _on_bytes(self, _: int) -> None:
        if self._stop.is_set():
            raise _StoppedError
