import pytest

from pipeline.manifest.documents.croissant_records import croissant_type


@pytest.mark.parametrize(
    ("arrow", "expected"),
    [
        ("int8", ("sc:Integer", False)),
        ("uint64", ("sc:Integer", False)),
        ("double", ("sc:Float", False)),
        ("bool", ("sc:Boolean", False)),
        ("large_string", ("sc:Text", False)),
        ("fixed_size_binary[32]", ("sc:Text", False)),
        ("timestamp[us, tz=UTC]", ("sc:DateTime", False)),
        ("date32[day]", ("sc:Date", False)),
        ("list<element: double>", ("sc:Float", True)),
        ("list<element: int64 not null>", ("sc:Integer", True)),
        ("binary", None),
        ("struct<xmin: double>", None),
        ("list<element: struct<a: int8>>", None),
    ],
)
def test_types_of_columns(arrow: str, expected: tuple[str, bool] | None) -> None:
    assert croissant_type(arrow) == expected
