import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.importers import archives
from pipeline.importers.archives import DamagedArchiveError, UnsafeArchiveError, ZipFolder, entries, is_archive
from pipeline.schema.errors import UsageError

FILES = {"s1/7/a/VV.tif": b"radar" * 300, "s1/7/a/VH.tif": b"", "s1/8/b/VV.tif": bytes(range(256)) * 9}


def write_tar(path: Path, files: dict[str, bytes], *more: tarfile.TarInfo, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:
        for name, data in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            tar.addfile(about, io.BytesIO(data))
        for about in more:
            tar.addfile(about)
    return path


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def write_folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def write_split(path: Path, files: dict[str, bytes]) -> Path:
    whole = write_tar(path.with_name("whole.tar.gz"), files).read_bytes()
    for at, start in zip("abc", range(0, len(whole), len(whole) // 3 + 1), strict=True):
        path.with_name(f"x.tar.gz.parta{at}").write_bytes(whole[start : start + len(whole) // 3 + 1])
    return path.with_name("x.tar.gz.partaa")


WRITERS: list[Callable[[Path, dict[str, bytes]], Path]] = [
    write_folder,
    write_zip,
    write_split,
    write_tar,
    lambda path, files: write_tar(path, files, mode="w"),
    lambda path, files: write_tar(path, files, mode="w:xz"),
]


@pytest.mark.parametrize("write", WRITERS)
def test_every_kind_of_archive_gives_the_same_files(
    write: Callable[[Path, dict[str, bytes]], Path], tmp_path: Path
) -> None:
    source = write(tmp_path / "x", FILES)
    assert {e.name: (e.size, e.read()) for e in entries(source)} == {n: (len(d), d) for n, d in FILES.items()}
    assert [e.name for e in entries(source, lambda name: "/8/" in name)] == ["s1/8/b/VV.tif"]


def test_a_tar_of_zips_is_a_tar(tmp_path: Path) -> None:
    inner = write_zip(tmp_path / "inner.zip", FILES).read_bytes()
    source = write_tar(tmp_path / "x.tar", {"a.zarr.zip": inner}, mode="w")
    assert zipfile.is_zipfile(source)
    assert [entry.name for entry in entries(source)] == ["a.zarr.zip"]


def test_nothing_is_written_to_the_disk(tmp_path: Path) -> None:
    source = write_tar(tmp_path / "x.tar.gz", FILES)
    list(entries(source))
    assert [p.name for p in tmp_path.iterdir()] == ["x.tar.gz"]


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "C:/x", "a\\..\\x"])
@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_a_path_that_leads_out_is_refused(
    write: Callable[[Path, dict[str, bytes]], Path], name: str, tmp_path: Path
) -> None:
    source = write(tmp_path / "x", {name: b"1"})
    with pytest.raises(UnsafeArchiveError, match=r"leads out of it; fetch it from its publisher$"):
        list(entries(source))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar_are_refused(kind: bytes, tmp_path: Path) -> None:
    about = tarfile.TarInfo("s1/7/a/B1.tif")
    about.type, about.linkname = kind, "/etc/passwd"
    source = write_tar(tmp_path / "x.tar", FILES, about)
    with pytest.raises(UnsafeArchiveError, match=r"holds the (link|device) s1/7/a/B1.tif"):
        list(entries(source))


def test_links_in_a_zip_and_in_a_folder_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        link = zipfile.ZipInfo("s1/link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UnsafeArchiveError, match="link or device s1/link"):
        list(entries(tmp_path / "x.zip"))
    folder = write_folder(tmp_path / "folder", FILES)
    (folder / "s1" / "link").symlink_to("/etc")
    with pytest.raises(UnsafeArchiveError, match="is a link"):
        list(entries(folder))


@pytest.mark.parametrize("write", [write_tar, write_zip, write_folder])
def test_pickles_are_refused_where_they_are_wanted_and_passed_over_elsewhere(
    write: Callable[[Path, dict[str, bytes]], Path], tmp_path: Path
) -> None:
    source = write(tmp_path / "x", {**FILES, "s1/data.mdb": b"1"})
    assert len(list(entries(source, lambda name: name.endswith(".tif")))) == len(FILES)
    with pytest.raises(UnsafeArchiveError, match="could run any program"):
        list(entries(source))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    twice = tarfile.TarInfo("s1/7/a/VH.tif")
    for source in (write_tar(tmp_path / "x.tar", FILES, twice), tmp_path / "x.zip"):
        if source.suffix == ".zip":
            write_zip(source, FILES)
            with zipfile.ZipFile(source, "a") as archive:
                archive.writestr("./s1/7/a/VH.tif", b"other")
        with pytest.raises(UnsafeArchiveError, match=r"s1/7/a/VH\.tif twice"):
            list(entries(source))


@pytest.mark.parametrize("keep", [0.3, 0.9])
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_truncated_tar_gives_what_is_whole_and_then_says_so(mode: str, keep: float, tmp_path: Path) -> None:
    files = {f"{at}.tif": os.urandom(5000) for at in range(9)}
    whole = write_tar(tmp_path / "x.tar", files, mode=mode).read_bytes()
    size = min(len(whole), 50_000)
    (tmp_path / "x.tar").write_bytes(whole[: int(size * keep)])
    read = {}

    def read_all() -> None:
        for entry in entries(tmp_path / "x.tar"):
            read[entry.name] = entry.read()

    with pytest.raises(DamagedArchiveError, match=r"cut short or damaged .*; fetch it again") as told:
        read_all()
    assert "\n" not in str(told.value)
    assert 1 <= len(read) < 9
    assert all(files[name] == data for name, data in read.items())


def read_until_told(source: Path) -> list[str]:
    """The names of all that was read before damage is told; it has to be told."""
    read: list[str] = []

    def read_all() -> None:
        for entry in entries(source):
            entry.read()
            read.append(entry.name)

    with pytest.raises(DamagedArchiveError, match=r"cut short or damaged .*; fetch it again") as told:
        read_all()
    assert "\n" not in str(told.value)
    return read


def damaged_at(at: int, tar: bytes) -> bytes:
    return tar[:at] + bytes([tar[at] ^ 1]) + tar[at + 1 :]


BLOCKS: dict[str, Callable[[bytes], bytes]] = {
    "cut at a member": lambda tar: tar[: 3 * 1024],
    "cut in a header": lambda tar: tar[: 3 * 1024 + 200],
    "a header changed": lambda tar: damaged_at(3 * 1024, tar),
}
"""Of a tar whose members take two blocks of 512 bytes each, three are whole."""


@pytest.mark.parametrize("damage", BLOCKS.values(), ids=BLOCKS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
def test_a_tar_that_breaks_at_a_header_does_not_end_there(
    damage: Callable[[bytes], bytes], pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    tar = write_tar(tmp_path / "whole", dict.fromkeys("abcdef", b"radar"), mode="w").read_bytes()
    (tmp_path / "x.tar").write_bytes(pack(damage(tar)))
    assert read_until_told(tmp_path / "x.tar") == ["a", "b", "c"]


@pytest.mark.parametrize("damage", [lambda d: damaged_at(len(d) - 8, d), lambda d: d[:-8]], ids=["changed", "missing"])
def test_the_checksum_of_a_gzip_is_compared(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    whole = write_tar(tmp_path / "whole", dict.fromkeys("abc", b"radar")).read_bytes()
    (tmp_path / "x.tar.gz").write_bytes(damage(whole))
    assert read_until_told(tmp_path / "x.tar.gz") == ["a", "b", "c"]


def test_a_changed_byte_in_a_zip_is_told(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"a": os.urandom(1000), "b": b"2"})
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with ZipFolder(path) as folder:
        assert folder.read("b") == b"2"
        with pytest.raises(DamagedArchiveError):
            folder.read("a")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DamagedArchiveError):
        ZipFolder(path)


def test_a_zip_with_names_in_no_encoding_is_told(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "x.zip", {"\u00e9.tif": b"1"})
    path.write_bytes(path.read_bytes().replace("\u00e9".encode(), b"\xff\xff"))
    with pytest.raises(DamagedArchiveError, match="cut short or damaged"):
        ZipFolder(path)


def test_a_file_that_a_folder_no_longer_has_is_told(tmp_path: Path) -> None:
    source = write_folder(tmp_path / "x", {"a/1.tif": b"1", "a/2.tif": b"2"})
    found = entries(source)
    first = next(found)
    for name in ("1.tif", "2.tif"):
        (source / "a" / name).unlink()
    with pytest.raises(DamagedArchiveError, match=r"1\.tif"):
        first.read()
    with pytest.raises(DamagedArchiveError, match=r"2\.tif"):
        next(found)


def test_sizes_beyond_the_limits_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_tar(tmp_path / "x.tar.gz", {"a": bytes(4_000_000)})
    bomb = write_zip(tmp_path / "x.zip", {"a": bytes(4_000_000)})
    assert len(list(entries(source))) == len(list(entries(bomb))) == 1
    monkeypatch.setattr(archives, "MAX_RATIO", 100.0)
    for path in (source, bomb):
        with pytest.raises(UnsafeArchiveError, match="unpacks to more than 100 times its size"):
            list(entries(path))
    monkeypatch.setattr(archives, "MAX_MEMBER_BYTES", 1000)
    for path in (source, bomb):
        with pytest.raises(UnsafeArchiveError, match="4,000,000 bytes, more than"):
            list(entries(path))
    monkeypatch.setattr(archives, "MAX_MEMBERS", 2)
    with pytest.raises(UnsafeArchiveError, match="more than 2 files"):
        list(entries(write_tar(tmp_path / "y.tar", dict.fromkeys("abc", b""))))


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(gzip.compress(b"no tar in here" * 100))
    with pytest.raises(DamagedArchiveError):
        list(entries(tmp_path / "x.tar.gz"))
    with pytest.raises(UsageError, match="neither a folder nor a file"):
        entries(tmp_path / "nothing")
    assert is_archive(tmp_path / "x.tar.gz")
    for name in ("x.tar.gz.md5", "x.zip.txt", "x.tar.partaa.sha256"):
        (tmp_path / name).touch()
        assert not is_archive(tmp_path / name)
    assert not is_archive(tmp_path)


def test_a_missing_piece_is_named(tmp_path: Path) -> None:
    first = write_split(tmp_path / "x", {name: os.urandom(2000) for name in "abc"})
    first.with_name("x.tar.gz.partab").unlink()
    with pytest.raises(UsageError, match=r"x\.tar\.gz\.partab"):
        list(entries(first))
