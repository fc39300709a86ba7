"""An estimate as a screen of text, every figure with what it rests on."""

import textwrap
from collections.abc import Sequence
from typing import Final

from pipeline.budget import HOW_TO_CALIBRATE, BudgetSettings
from pipeline.plan import SEASON_BYTES, STAGING_RATIO, STORE_RATIO, TIERS, Assumptions, Plan
from pipeline.quantities import duration, size
from pipeline.recipe import Recipe

_GAP = "  "
WIDTH: Final = 120
"""Columns of the screen."""


def plan_lines(plan: Plan, recipe: Recipe, assumed: Assumptions) -> list[str]:
    """The whole screen."""
    pace, budget, codec = recipe.source.pace, recipe.budget, recipe.store.codec
    rows = [
        ("Locations", f"{plan.locations:,}", f"in {plan.parts:,} parts of {recipe.part_locations}"),
        ("  with four seasons", f"{plan.survivors:,}", f"assuming that {assumed.survive:.1%} survive (--survive)"),
        (
            "Scene queries",
            f"about {plan.scene_queries:,}",
            f"{size(SEASON_BYTES)} a season (measured on the emulator); fewer where no year before is asked for",
        ),
        ("Pixel requests", f"{plan.pixel_requests:,}", f"{plan.requests_a_location} a location"),
        ("Bytes down", size(plan.bytes_down), f"{size(plan.bytes_a_location)} of pixels a location, uncompressed"),
        (
            "Time at the quota",
            duration(plan.hours * 3600),
            f"bound by {plan.bound_by}; assuming {assumed.request_s:g} s a request (--seconds), "
            f"{assumed.mbit_per_s:g} Mbit/s (--mbit), no retries; the quota is {pace.concurrent} at once and "
            f"{pace.per_second} a second",
        ),
        (
            "Compute",
            f"{plan.eecu_hours:,.0f} EECU-hours",
            f"assuming {budget.eecu_s_per_pixel_request:g} EECU-s a pixel request and "
            f"{budget.eecu_s_per_scene_query:g} a scene query (budget.*)",
        ),
        ("", "", budget_words(plan.eecu_hours, plan.months, budget)),
        (
            "Disk, staging",
            size(plan.staging_bytes),
            f"{STAGING_RATIO:g} of the raw bytes (measured on the emulator); {_kept(recipe)}",
        ),
        (
            "Disk, store",
            size(plan.store_bytes),
            f"{plan.shards:,} shards of {recipe.store.shard_rows}; {STORE_RATIO[codec]:g} of its bytes with {codec} "
            "(measured on the emulator)",
        ),
        ("Files", f"{plan.files:,}", "most of them staged; tables and shards are few"),
        ("Memory a worker", size(plan.worker_bytes), "local workers; answers under way, or one shard being packed"),
    ]
    return [f"Recipe '{recipe.name}': an estimate, before anything is asked of any service", "", *table_lines(rows),
            "", honest()]  # fmt: skip


def table_lines(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    """(name, figure, what it rests on) as lines, the figures below one another."""
    wide = max(len(figure) for _, figure, _ in rows)
    return [line for name, figure, why in rows for line in _wrapped(f"{name:<20}{_GAP}{figure:>{wide}}{_GAP}", why)]


def _wrapped(start: str, why: str) -> list[str]:
    """The reason beside its figure, in as many lines as it needs."""
    return textwrap.wrap(why, WIDTH, initial_indent=start, subsequent_indent=" " * len(start)) or [start.rstrip()]


def budget_words(eecu_hours: float, months: int | None, budget: BudgetSettings) -> str:
    """What the estimated compute means for the budget, or for the tiers of the service where there is none."""
    if months is not None:
        words = "1 month" if months == 1 else f"{months} months"
        return f"within the budget of {budget.eecu_hours:g} EECU-hours a month that is {words}"
    fitting = [name for name, hours in TIERS.items() if hours >= eecu_hours]
    tier = f"the {fitting[0]} tier holds it" if fitting else "no tier holds it"
    return f"no budget is set; of Earth Engine's noncommercial tiers {tier} in one month"


def _kept(recipe: Recipe) -> str:
    if recipe.store.staging == "keep":
        return "stays beside the store"
    return "freed shard by shard, once all pixels are there"


def honest() -> str:
    """The last word of an estimate."""
    return textwrap.fill(f"Compute is the least certain figure. {HOW_TO_CALIBRATE}.", WIDTH)
