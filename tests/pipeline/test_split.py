"""The draw of the test set: whole groups, apart from the training tiles, the same whatever the order."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.nearness import nearest
from pipeline.schema.osm_records import SplitChoice
from pipeline.split import TOO_NEAR, Candidate, SplitSettings, split_tiles

CANDIDATES = st.lists(
    st.tuples(st.floats(-0.4, 0.4), st.floats(-0.4, 0.4), st.booleans()), min_size=0, max_size=40
).map(lambda rows: [Candidate(f"t{at}", "test" if held else "train", (x, y)) for at, (x, y, held) in enumerate(rows)])


def apart(count: int, start: int = 0, published: str = "train") -> list[Candidate]:
    return [Candidate(f"{published}{at}", published, (at % 90 - 45.0, at // 90 * 1.0)) for at in range(start, count)]


@given(CANDIDATES, st.integers(0, 30), st.integers(0, 5), st.randoms())
@settings(deadline=None, max_examples=40)
def test_a_split_keeps_its_promises(tiles: list, test_tiles: int, seed: int, random: Random) -> None:
    chosen = SplitSettings(test_tiles=test_tiles, separation_km=8, seed=seed)
    split = split_tiles(tiles, chosen)
    assert [choice.tile_id for choice in split] == [tile.tile_id for tile in tiles]
    where = {tile.tile_id: tile.centre for tile in tiles}
    test = [choice for choice in split if choice.split == "test"]
    train = [choice for choice in split if choice.split == "train"]
    held_out = sum(tile.published == "test" for tile in tiles)
    assert held_out <= len(test) <= max(held_out, test_tiles)
    assert all(choice.split == "test" for choice in split if choice.published == "test")
    assert all(choice.reason == TOO_NEAR for choice in split if choice.split == "")
    for around in nearest([where[c.tile_id] for c in train], [where[c.tile_id] for c in test]):
        assert all(metres > 8000 for _, metres in around)
    left_out = [where[c.tile_id] for c in split if c.split == ""]
    assert all(metres <= 8000 for [(_, metres)] in nearest(left_out, [where[c.tile_id] for c in test]))
    shuffled = random.sample(tiles, len(tiles))
    assert sorted(split, key=str) == sorted(split_tiles(shuffled, chosen), key=str)


def test_the_draw_fills_the_test_set_and_follows_the_seed() -> None:
    tiles = apart(120) + [Candidate(f"held{at}", "test", (at * 1.0 - 40, -30.0)) for at in range(20)]
    one, other = (split_tiles(tiles, SplitSettings(test_tiles=50, seed=seed)) for seed in (0, 1))
    for split in (one, other):
        assert sum(c.split == "test" for c in split) == 50
        assert sum(c.split == "train" for c in split) == 90
    assert {c.tile_id for c in one if c.split == "test"} != {c.tile_id for c in other if c.split == "test"}


def test_what_lies_beside_a_hold_out_tile_is_tested_on_or_left_out() -> None:
    tiles = [Candidate("held", "test", (179.99, 10.0)), Candidate("near", "train", (-179.99, 10.0)), *apart(5)]
    full = {c.tile_id: c for c in split_tiles(tiles, SplitSettings(test_tiles=1))}
    assert (full["near"].split, full["near"].reason) == ("", TOO_NEAR)
    roomy = {c.tile_id: c for c in split_tiles(tiles, SplitSettings(test_tiles=2))}
    assert roomy["near"].split == "test"
    assert sum(c.split == "train" for c in roomy.values()) == 5


def test_of_a_chain_from_a_hold_out_tile_only_its_neighbours_are_left_out() -> None:
    chain = [Candidate(f"c{at}", "train", (0.08 * at, 0.0)) for at in range(1, 5)]  # 8.9 km to the next
    tiles = [Candidate("held", "test", (0.0, 0.0)), *chain]
    split = {c.tile_id: c for c in split_tiles(tiles, SplitSettings(test_tiles=1))}
    assert (split["c1"].split, split["c1"].detail) == ("", "8.9 km from held, test set full")
    assert [split[f"c{at}"].split for at in (2, 3, 4)] == ["train"] * 3
    for seed in range(5):
        choices = split_tiles(tiles, SplitSettings(test_tiles=3, seed=seed))
        assert sum(c.split == "test" for c in choices) == 3
        assert {c.tile_id for c in choices if c.split == ""} == beside(choices, tiles)


def beside(choices: list[SplitChoice], tiles: list[Candidate]) -> set[str]:
    """The tiles of no test set that lie within 10 km of one that is."""
    where = {tile.tile_id: tile.centre for tile in tiles}
    others = [choice.tile_id for choice in choices if choice.split != "test"]
    near = nearest([where[i] for i in others], [where[c.tile_id] for c in choices if c.split == "test"])
    return {tile_id for tile_id, [(_, metres)] in zip(others, near, strict=True) if metres <= 10_000}


def test_a_group_too_large_for_the_test_set_is_trained_on_whole() -> None:
    cluster = [Candidate(f"c{at}", "train", (0.05 * at, 0.0)) for at in range(6)]
    split = split_tiles([*cluster, Candidate("far", "train", (20.0, 0.0))], SplitSettings(test_tiles=3))
    assert {c.tile_id for c in split if c.split == "test"} == {"far"}
