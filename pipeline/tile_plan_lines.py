"""The estimate of a build from expert tiles as a screen of text, every figure with what it rests on."""

from pipeline.plan import Assumptions
from pipeline.plan_lines import budget_words, honest, table_lines
from pipeline.quantities import duration, size
from pipeline.tile_plan import PAIR_BYTES, STORE_RATIO, TilePlan
from pipeline.tile_recipe import DwRecipe


def tile_plan_lines(plan: TilePlan, recipe: DwRecipe, assumed: Assumptions) -> list[str]:
    """The whole screen."""
    pace, budget, codec = recipe.source.pace, recipe.budget, recipe.store.codec
    where = "the files in 'experts'" if plan.counted else "as published: the folders of 'experts' are not there yet"
    rows = [
        ("Expert tiles", f"{plan.tiles:,}", f"{where}; in {plan.parts:,} parts of {recipe.part_tiles}"),
        ("  with S2 and S1", f"{plan.paired:,}", f"assuming that {assumed.survive:.1%} can be paired (--survive)"),
        ("Scene queries", f"{plan.scene_queries:,}", f"{size(PAIR_BYTES)} a tile (measured on the emulator)"),
        ("Pixel requests", f"{plan.pixel_requests:,}", "1 a tile"),
        ("Bytes down", size(plan.bytes_down), f"{size(plan.bytes_a_tile)} of pixels a tile, uncompressed"),
        (
            "Time at the quota",
            duration(plan.hours * 3600),
            f"bound by {plan.bound_by}; assuming {assumed.request_s:g} s a request (--seconds), "
            f"{assumed.mbit_per_s:g} Mbit/s (--mbit), no retries; the quota is {pace.concurrent} at once and "
            f"{pace.per_second} a second",
        ),
        (
            "Compute",
            f"{plan.eecu_hours:,.1f} EECU-hours",
            f"assuming {budget.eecu_s_per_pixel_request:g} EECU-s a pixel request and "
            f"{budget.eecu_s_per_scene_query:g} a scene query (budget.*)",
        ),
        ("", "", budget_words(plan.eecu_hours, plan.months, budget)),
        ("Disk, staging", size(plan.staging_bytes), "raw, one file a tile; may be deleted once the build is finished"),
        (
            "Disk, stores",
            size(plan.store_bytes),
            f"{plan.shards:,} shards of {recipe.store.shard_rows}; {STORE_RATIO[codec]:g} of their bytes with {codec} "
            "(measured on the emulator)",
        ),
    ]
    return [f"Recipe '{recipe.name}': an estimate, before anything is asked of any service", "", *table_lines(rows),
            "", honest()]  # fmt: skip
