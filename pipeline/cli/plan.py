"""`noldo plan`: what a build would take."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.output import JSON_HELP, SET_HELP, show
from pipeline.schema.errors import UsageError

if TYPE_CHECKING:
    from pipeline.plan import Assumptions
    from pipeline.recipe import Recipe
    from pipeline.tile_recipe import DwRecipe


@click.command()
@click.argument("recipe", type=click.Path(path_type=Path))
@click.option(
    "--survive",
    type=click.FloatRange(0, 1),
    help="Share of locations, or tiles, that have their scenes.",
)
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
    from pipeline.recipe import Recipe, read_yaml
    from pipeline.schema.strict import validated

    raw, where = read_yaml(recipe, settings), str(recipe)
    given = {"survive": survive, "request_s": seconds, "mbit_per_s": mbit}
    assumed = {name: value for name, value in given.items() if value is not None}
    if raw.get("kind") is not None:
        lines, plain = _downstream(raw, where, assumed)
        show(lines, plain, as_json=as_json)
        return
    checked, assumptions = validated(Recipe, raw, where), Assumptions(**assumed)
    found = estimate(checked, assumptions)
    plain = {**asdict(found), "assumed": _assumed(assumptions, checked)}
    show(plan_lines(found, checked, assumptions), plain, as_json=as_json)


def _downstream(raw: Mapping[str, Any], where: str, assumed: Mapping[str, float]) -> tuple[list[str], dict[str, Any]]:
    """The estimate for a recipe that names its kind."""
    from pipeline.plan import Assumptions
    from pipeline.schema.strict import validated
    from pipeline.tile_plan import PAIRED, estimate_tiles
    from pipeline.tile_plan_lines import tile_plan_lines
    from pipeline.tile_recipe import DwRecipe

    if raw["kind"] == "osm":
        return _land_use(raw, where)
    if raw["kind"] != "dw":
        raise UsageError(f"{where}: kind is {raw['kind']!r}, which has no estimate; expected dw or osm, or none")
    checked, assumptions = validated(DwRecipe, raw, where), Assumptions(**{"survive": PAIRED, **assumed})
    found = estimate_tiles(checked, assumptions)
    return tile_plan_lines(found, checked, assumptions), {**asdict(found), "assumed": _assumed(assumptions, checked)}


def _land_use(raw: Mapping[str, Any], where: str) -> tuple[list[str], dict[str, Any]]:
    """The estimate for a recipe of kind osm, from the tiles that it is to be made on."""
    from pipeline.built_tiles import read_built_tiles
    from pipeline.files import open_path
    from pipeline.osm_plan import estimate_osm, osm_plan_lines
    from pipeline.osm_recipe import OsmRecipe
    from pipeline.schema.strict import validated

    checked = validated(OsmRecipe, raw, where)
    found = estimate_osm(checked, read_built_tiles(open_path(checked.tiles)))
    return osm_plan_lines(found, checked), asdict(found)


def _assumed(assumptions: "Assumptions", recipe: "Recipe | DwRecipe") -> dict[str, Any]:
    return {**asdict(assumptions), **recipe.source.pace.model_dump(), **recipe.budget.model_dump()}
