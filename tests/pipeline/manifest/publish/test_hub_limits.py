from pipeline.manifest.publish.hub_limits import MAX_ENTRIES, MAX_FILE_BYTES, MAX_FILES, HubSize, hub_size


def test_entries_are_files_and_folders_of_a_folder() -> None:
    size = hub_size({"README.md": 1, "store/a/c/0": 5, "store/a/c/1": 7, "store/a/zarr.json": 2, "store/b": 1}, ["x"])
    assert size == HubSize(6, 3, "", 7, "store/a/c/1", 16)
    assert hub_size({"store/a/c/0": 5, "store/a/c/1": 7}) == HubSize(2, 2, "store/a/c", 7, "store/a/c/1", 12)


def test_shards_of_a_folder_each_are_counted_as_entries_of_the_folder_above() -> None:
    size = hub_size({f"store/nol.zarr/s2/c/{at}/0/0": 1 for at in range(MAX_ENTRIES)})
    assert (size.most_entries, size.fullest) == (MAX_ENTRIES, "store/nol.zarr/s2/c")
    problem = size.problem()
    assert problem is not None
    assert "10000 entries in store/nol.zarr/s2/c" in problem
    assert "larger store.shard_rows" in problem
    assert hub_size({f"c/{at}/0": 1 for at in range(MAX_ENTRIES - 1)}).problem() is None


def test_too_many_files_and_too_large_a_file_are_told() -> None:
    many = HubSize(MAX_FILES, 10, "", 1, "a", 1).problem()
    large = HubSize(1, 1, "", MAX_FILE_BYTES, "a", 1).problem()
    assert many is not None
    assert "fewer than 100000 a repository" in many
    assert large is not None
    assert "a has 200 GB" in large
    assert "smaller store.shard_rows" in large
    assert HubSize(MAX_FILES - 1, MAX_ENTRIES - 1, "", MAX_FILE_BYTES - 1, "a", 1).problem() is None


def test_a_terabyte_is_worth_a_word() -> None:
    assert not any("asked first" in line for line in HubSize(1, 1, "", 1, "a", 10**12).lines())
    assert any("asked first" in line for line in HubSize(1, 1, "", 1, "a", 10**12 + 1).lines())
