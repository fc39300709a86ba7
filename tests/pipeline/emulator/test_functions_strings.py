from typing import Any


def test_strings(ee: Any) -> None:
    s = ee.String("Hello, hello")
    assert s.cat("!").getInfo() == "Hello, hello!"
    assert s.length().getInfo() == 12
    assert s.slice(-5).getInfo() == "hello"
    assert (s.index("l").getInfo(), s.rindex("l").getInfo(), s.index("z").getInfo()) == (2, 10, -1)
    assert s.toUpperCase().getInfo() == "HELLO, HELLO"
    assert ee.String("  a ").trim().getInfo() == "a"
    assert s.compareTo("I").getInfo() == -1
    assert s.equals("Hello, hello").getInfo() is True


def test_expressions(ee: Any) -> None:
    s = ee.String("T33TWL_2021")
    assert s.match("T(\\d{2})(\\w{3})_").getInfo() == ["T33TWL_", "33", "TWL"]
    assert s.match("[0-9]", "g").getInfo() == list("332021")
    assert s.match("x").getInfo() == []
    assert s.replace("t", "_", "gi").getInfo() == "_33_WL_2021"
    assert s.replace("(\\d+)", "<$1>").getInfo() == "T<33>TWL_2021"
    assert s.split("_").getInfo() == ["T33TWL", "2021"]
    assert ee.String("abc").split("").getInfo() == ["a", "b", "c"]


def test_values_as_text(ee: Any) -> None:
    assert ee.String(ee.Number(5.0)).getInfo() == "5"
    assert ee.String.encodeJSON({"a": [1, 2]}).getInfo() == '{"a": [1, 2]}'
    assert ee.String('{"a": 1}').decodeJSON().getInfo() == {"a": 1}
