from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from pipeline.schema.errors import UsageError
from pipeline.schema.strict import Strict, validated


class Inner(Strict):
    depth: int = 1
    from_: str | None = Field(default=None, alias="from")


class Cat(Strict):
    kind: Literal["cat"] = "cat"
    whiskers: int = 2


class Fish(Strict):
    kind: Literal["fish"] = "fish"
    fins: int = 3


class Outer(Strict):
    inner: Inner = Inner()
    animal: Annotated[Cat | Fish, Field(discriminator="kind")] = Cat()
    needed: int
    either: Literal["yes"] | tuple[int, int] = "yes"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({"needed": 1, "iner": {}}, "r.yaml: unknown key 'iner'; did you mean 'inner'?"),
        ({"needed": 1, "inner": {"form": "x"}}, "r.yaml: unknown key 'inner.form'; did you mean 'from'?"),
        (
            {"needed": 1, "animal": {"kind": "cat", "whisker": 1}},
            "r.yaml: unknown key 'animal.whisker'; did you mean 'whiskers'?",
        ),
        ({}, "r.yaml: 'needed' is missing"),
        ({"needed": "many"}, "r.yaml: 'needed' is 'many': input should be a valid integer"),
        ({"needed": True}, "r.yaml: 'needed' is True, not a number"),
        ({"needed": 1, "inner": {"depth": "7"}}, "r.yaml: inner: 'depth' is '7', not a number"),
        ({"needed": 1, "either": "no"}, "r.yaml: 'either' is 'no': "),
        ({"needed": 1, "animal": {"kind": "dog"}}, "r.yaml: 'animal': "),
        ({"needed": "x", "inner": {"depth": "y"}}, "(and 1 more)"),
    ],
)
def test_one_plain_line(raw: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        validated(Outer, raw, where="r.yaml")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_good_settings_pass_and_are_frozen() -> None:
    settings = validated(Outer, {"needed": 3, "inner": {"from": "here"}, "animal": {"kind": "fish"}}, where="r")
    assert (settings.inner.from_, settings.animal) == ("here", Fish())
    with pytest.raises(ValueError, match="frozen"):
        settings.needed = 4
