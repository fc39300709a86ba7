"""Evaluates an expression: a graph of calls, references and functions over them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.emulator.calls import Argument, signatures
from pipeline.emulator.coerce import promoted
from pipeline.emulator.registry import served_functions
from pipeline.emulator.replies import RequestError
from pipeline.emulator.scene import World


@dataclass
class _Scope:
    """Arguments bound by one call of a function, and what was computed from them."""

    bindings: Mapping[str, Any]
    parent: "_Scope | None" = None
    memo: dict[str, Any] = field(default_factory=dict)

    def home(self, names: frozenset[str]) -> "_Scope":
        """The innermost scope that binds one of the names: values that depend on them belong there."""
        scope = self
        while scope.parent is not None and names.isdisjoint(scope.bindings):
            scope = scope.parent
        return scope

    def lookup(self, name: str) -> Any:
        scope: _Scope | None = self
        while scope is not None:
            if name in scope.bindings:
                return scope.bindings[name]
            scope = scope.parent
        raise RequestError(f"The argument '{name}' is not bound by any function.")


class Evaluator:
    """One expression over one world; every shared value is computed once a request and binding."""

    def __init__(self, expression: Any, world: World) -> None:
        if not isinstance(expression, Mapping) or "result" not in expression or "values" not in expression:
            raise RequestError("The expression lacks 'result' or 'values'.")
        self._values: Mapping[str, Any] = expression["values"]
        self._result = str(expression["result"])
        self._world = world
        self._free: dict[str, frozenset[str]] = {}

    def run(self) -> Any:
        """The expression's value; RequestError where it cannot be computed."""
        try:
            return self._shared(self._result, _Scope({}))
        except RecursionError:
            raise RequestError("The expression is nested too deeply.") from None

    def _shared(self, key: str, scope: _Scope) -> Any:
        home = scope.home(self._free_names(key))
        if key not in home.memo:
            home.memo[key] = self._node(self._values[key], home)
        return home.memo[key]

    def _free_names(self, key: str) -> frozenset[str]:
        """The argument names that a shared value depends on."""
        if key not in self._values:
            raise RequestError(f"The expression refers to '{key}', which is not among its values.")
        if key not in self._free:
            self._free[key] = frozenset()  # a reference back here is a cycle, found again as endless recursion
            self._free[key] = self._free_of(self._values[key])
        return self._free[key]

    def _free_of(self, node: Any) -> frozenset[str]:
        if "argumentReference" in node:
            return frozenset((node["argumentReference"],))
        if "valueReference" in node:
            return self._free_names(node["valueReference"])
        if "functionDefinitionValue" in node:
            definition = node["functionDefinitionValue"]
            return self._free_names(definition["body"]) - frozenset(definition["argumentNames"])
        names = frozenset[str]()
        for child in _children(node):
            names |= self._free_of(child)
        call = node.get("functionInvocationValue", {})
        if "functionReference" in call:
            names |= self._free_names(call["functionReference"])
        return names

    def _node(self, node: Any, scope: _Scope) -> Any:
        for kind, evaluate in _EVALUATE.items():
            if kind in node:
                return evaluate(self, node[kind], scope)
        raise RequestError(f"A node of the expression has no known kind: {', '.join(node) or 'empty'}.")

    def _array(self, value: Any, scope: _Scope) -> list[Any]:
        return [self._node(child, scope) for child in value.get("values", [])]

    def _dictionary(self, value: Any, scope: _Scope) -> dict[str, Any]:
        return {key: self._node(child, scope) for key, child in value.get("values", {}).items()}

    def _function(self, value: Any, scope: _Scope) -> Callable[..., Any]:
        names, body = value["argumentNames"], value["body"]

        def call(*given: Any) -> Any:
            if len(given) != len(names):
                raise RequestError(f"A function takes {len(names)} arguments but was given {len(given)}.")
            return self._shared(body, _Scope(dict(zip(names, given, strict=True)), scope))

        return call

    def _call(self, value: Any, scope: _Scope) -> Any:
        given = value.get("arguments", {})
        if "functionReference" in value:
            function = self._shared(value["functionReference"], scope)
            return function(*(self._node(child, scope) for child in given.values()))
        name = value["functionName"]
        served, arguments = served_functions()[name], signatures()[name].arguments
        if served.lazy:
            return served.call(*(self._later(given.get(a.name), scope) for a in arguments))
        values = [self._argument(name, argument, given, scope) for argument in arguments]
        return served.call(self._world, *values) if served.wants_world else served.call(*values)

    def _argument(self, name: str, argument: Argument, given: Mapping[str, Any], scope: _Scope) -> Any:
        node = given.get(argument.name)
        value = argument.default if node is None else self._node(node, scope)
        return promoted(value, argument, name)

    def _later(self, node: Any, scope: _Scope) -> Callable[[], Any]:
        return lambda: None if node is None else self._node(node, scope)


_EVALUATE: Mapping[str, Callable[[Evaluator, Any, _Scope], Any]] = {
    "constantValue": lambda _, value, __: value,
    "functionInvocationValue": Evaluator._call,
    "valueReference": Evaluator._shared,
    "argumentReference": lambda _, name, scope: scope.lookup(name),
    "arrayValue": Evaluator._array,
    "dictionaryValue": Evaluator._dictionary,
    "functionDefinitionValue": Evaluator._function,
    "integerValue": lambda _, value, __: int(value),
}


def _children(node: Any) -> list[Any]:
    for kind, inner in (
        ("arrayValue", "values"),
        ("dictionaryValue", "values"),
        ("functionInvocationValue", "arguments"),
    ):
        if kind in node:
            held = node[kind].get(inner, ())
            return list(held.values()) if isinstance(held, Mapping) else list(held)
    return []
