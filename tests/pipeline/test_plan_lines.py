from pipeline.plan import Assumptions, estimate
from pipeline.plan_lines import WIDTH, plan_lines
from pipeline.recipe import Recipe


def screen(**keys: object) -> str:
    recipe = Recipe.model_validate(
        {"sample": {"count": 1000}, "source": {"kind": "earthengine", "project": "p"}, **keys}
    )
    assumed = Assumptions(survive=0.4, request_s=3.0)
    lines = "\n".join(plan_lines(estimate(recipe, assumed), recipe, assumed)).splitlines()
    assert max(map(len, lines)) <= WIDTH
    return " ".join(" ".join(lines).split())


def test_every_assumption_stands_beside_its_figure() -> None:
    said = screen()
    assert "1,000 in 16 parts of 64" in said
    assert "400 assuming that 40.0% survive (--survive)" in said
    assert "assuming 3 s a request (--seconds), 1000 Mbit/s (--mbit)" in said
    assert "assuming 10 EECU-s a pixel request and 20 a scene query" in said
    assert "these are guesses" in said
    assert "the community tier holds it in one month" in said


def test_the_recipes_own_limits_show() -> None:
    said = screen(budget={"eecu_hours": 0.5}, store={"staging": "free", "codec": "zstd"})
    assert "within the budget of 0.5 EECU-hours a month that is 3 months" in said
    assert "freed shard by shard" in said
    assert "with zstd" in said
