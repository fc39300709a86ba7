"""A list of checksums is used for what it plainly says, and everything else in it is found."""

from pathlib import Path

import pytest

from pipeline.manifest.listing import parse_listing

A, B = "a" * 64, "b" * 64
GOOD = f"{A}  manifest/x.json\n{B}  store/nol.zarr/zarr.json\n"


def test_a_plain_list() -> None:
    assert parse_listing(GOOD.encode()) == ({"manifest/x.json": A, "store/nol.zarr/zarr.json": B}, [])


def test_what_checksum_lines_writes_is_plain(tmp_path: Path) -> None:
    from pipeline.manifest.checksums import checksum_lines

    (tmp_path / "ü b").write_text("x")
    text = checksum_lines({"store/ü b": tmp_path / "ü b"})
    digests, findings = parse_listing(text.encode())
    assert list(digests) == ["store/ü b"]
    assert not findings


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (f"{A[:-1]}  x", "<sha256>"),
        (f"{A.upper()}  x", "<sha256>"),
        (f"{A} *x", "<sha256>"),
        (f"{A}  /etc/passwd", "plainly within"),
        (f"{A}  store/../../x", "plainly within"),
        (f"{A}  ./x", "plainly within"),
        (f"{A}  store//x", "plainly within"),
        (f"{A}  c:x", "plainly within"),
        (f"{A}  a\\b", "<sha256>"),
        (f"{A}  a\rb", "<sha256>"),
        (f"{A}  manifest/x.json", "listed before"),
        (f"{A}  manifest/manifest-sha256.txt", "itself"),
        ("", "<sha256>"),
    ],
)
def test_a_line_that_is_none_is_found_and_not_used(line: str, what: str) -> None:
    digests, findings = parse_listing(f"{GOOD}{line}\n".encode())
    assert set(digests) == {"manifest/x.json", "store/nol.zarr/zarr.json"}
    assert [(f.check, f.where) for f in findings] == [("files", "manifest/manifest-sha256.txt line 3")]
    assert what in findings[0].what


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (GOOD.encode()[:-1], "no end"),
        (b"", "lists no file"),
        (GOOD.encode().replace(b"x.json", b"\xff.json"), "UTF-8"),
        ("".join(reversed(GOOD.splitlines(keepends=True))).encode(), "sorted"),
        (GOOD.encode().replace(b"\n", b"\r\n"), "<sha256>"),
    ],
)
def test_a_list_that_is_none(data: bytes, what: str) -> None:
    _, findings = parse_listing(data)
    assert what in findings[0].what


def test_any_bit_of_a_list_that_flips_changes_what_it_says() -> None:
    expected = parse_listing(GOOD.encode())
    for at in range(len(GOOD)):
        for bit in range(8):
            data = bytearray(GOOD.encode())
            data[at] ^= 1 << bit
            assert parse_listing(bytes(data)) != expected
