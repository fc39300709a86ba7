from typing import Any

import pytest

from pipeline.emulator import functions_numbers
from pipeline.emulator.functions import served_functions
from pipeline.emulator.graph import Evaluator
from pipeline.emulator.registry import Served
from pipeline.emulator.replies import RequestError


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"functionInvocationValue": {"functionName": name, "arguments": arguments}}


def run(values: dict[str, Any], result: str = "0") -> Any:
    return Evaluator({"result": result, "values": values}, world=None).run()  # type: ignore[arg-type]


def const(value: Any) -> dict[str, Any]:
    return {"constantValue": value}


def ref(key: str) -> dict[str, Any]:
    return {"valueReference": key}


def arg(name: str) -> dict[str, Any]:
    return {"argumentReference": name}


def test_every_kind_of_node_is_evaluated() -> None:
    values = {
        "0": {"dictionaryValue": {"values": {"a": ref("1"), "b": {"integerValue": "9007199254740993"}}}},
        "1": {"arrayValue": {"values": [const([1, {"x": None}]), call("Number.add", left=const(1), right=const(2))]}},
    }
    assert run(values) == {"a": [[1, {"x": None}], 3], "b": 9007199254740993}


def test_a_shared_value_is_computed_once_a_binding(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def watched(value: float) -> float:
        seen.append(value)
        return -value

    table = served_functions()
    monkeypatch.setitem(table, "Number.abs", Served(watched, lazy=False, wants_world=False))  # type: ignore[misc]
    values = {
        "0": call("List.map", list=const([1, 2]), baseAlgorithm=ref("f")),
        "f": {"functionDefinitionValue": {"argumentNames": ["x"], "body": "body"}},
        "body": {"arrayValue": {"values": [ref("own"), ref("own"), ref("outer"), ref("outer")]}},
        "own": call("Number.abs", input=arg("x")),
        "outer": call("Number.abs", input=const(10)),
    }
    assert run(values) == [[-1, -1, -10, -10], [-2, -2, -10, -10]]
    assert sorted(seen) == [1, 2, 10]


def test_inner_functions_see_the_arguments_of_outer_ones() -> None:
    values = {
        "0": call("List.map", list=const([1, 2]), baseAlgorithm=ref("outer")),
        "outer": {"functionDefinitionValue": {"argumentNames": ["x"], "body": "mapped"}},
        "mapped": call("List.map", list=const([10, 20]), baseAlgorithm=ref("inner")),
        "inner": {"functionDefinitionValue": {"argumentNames": ["y"], "body": "sum"}},
        "sum": call("Number.add", left=arg("x"), right=arg("y")),
    }
    assert run(values) == [[11, 21], [12, 22]]


def test_a_function_of_the_expression_can_be_called() -> None:
    values = {
        "0": {"functionInvocationValue": {"functionReference": "f", "arguments": {"x": const(4)}}},
        "f": {"functionDefinitionValue": {"argumentNames": ["x"], "body": "body"}},
        "body": call("Number.multiply", left=arg("x"), right=const(3)),
    }
    assert run(values) == 12


def test_only_the_chosen_case_of_if_is_computed() -> None:
    bad = call("List.get", list=const([]), index=const(0))
    assert run({"0": call("If", condition=const(0), trueCase=bad, falseCase=const("no"))}) == "no"


@pytest.mark.parametrize(
    ("value", "truth"), [(0, 0), (2, 1), ("", 0), ("0", 1), ([], 0), ({}, 0), (None, 0), (True, 1), (float("nan"), 0)]
)
def test_conditions_follow_the_documented_rules(value: Any, truth: int) -> None:
    assert functions_numbers.truthy(value) == bool(truth)


def test_defaults_come_from_the_signature() -> None:
    assert run({"0": call("List.join", list=const(["a", "b"]))}) == "ab"
    assert run({"0": call("List.sequence", start=const(1), end=const(3))}) == [1, 2, 3]


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"0": ref("gone")}, "refers to 'gone'"),
        ({"0": arg("x")}, "not bound"),
        ({"0": {"oddValue": 1}}, "no known kind: oddValue"),
        ({"0": ref("1"), "1": ref("0")}, "nested too deeply"),
        ({"0": call("List.map", list=const([1]), baseAlgorithm=const(3))}, "Invalid type"),
    ],
)
def test_a_broken_expression_is_refused(values: dict[str, Any], word: str) -> None:
    with pytest.raises(RequestError, match=word):
        run(values)


def test_an_expression_needs_its_two_keys() -> None:
    with pytest.raises(RequestError, match="lacks 'result' or 'values'"):
        Evaluator({"values": {}}, world=None)  # type: ignore[arg-type]


def test_a_chain_of_a_hundred_bands_is_not_too_deep() -> None:
    node = const(0)
    for _ in range(150):
        node = call("Number.add", left=node, right=const(1))
    assert run({"0": node}) == 150
