"""`noldo plan`: what a build would take."""

from dataclasses import asdict
from pathlib import Path

import click

from pipeline.cli.output import JSON_HELP, SET_HELP, show


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option("--survive", type=click.FloatRange(0, 1), help="Share of locations with four labelled seasons.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="Seconds that one request takes.")
@click.option("--mbit", type=click.FloatRange(min=0, min_open=True), help="Network, million bits a second.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=SET_HELP)
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
def plan(
    recipe: Path,
    survive: float | None,
    seconds: float | None,
    mbit: float | None,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Estimate what a build of RECIPE would ask for, take and spend. Asks nothing of any service.

    Example:  noldo plan recipes/nol.yaml --set source.project=my-project
    """
    from pipeline.plan import Assumptions, estimate
    from pipeline.plan_lines import plan_lines
    from pipeline.recipe import load_recipe

    given = {"survive": survive, "request_s": seconds, "mbit_per_s": mbit}
    assumed = Assumptions(**{name: value for name, value in given.items() if value is not None})
    checked = load_recipe(recipe, settings)
    found = estimate(checked, assumed)
    plain = {
        **asdict(found),
        "assumed": {**asdict(assumed), **checked.source.pace.model_dump(), **checked.budget.model_dump()},
    }
    show(plan_lines(found, checked, assumed), plain, as_json=as_json)
