from pipeline.manifest.verify.known_keys import unknown_keys

KNOWN = frozenset({"name", "parts", "things"})


def test_unknown_keys_are_found_however_deep_with_what_was_meant() -> None:
    plain = {"name": "a", "parts": [{"nam": 1}, {"name": "second", "parts": {"zzz": 2}}]}
    assert list(unknown_keys(plain, KNOWN)) == [
        ("parts[0].nam", "nam", "name"),
        ("parts[second].parts.zzz", "zzz", None),
    ]


def test_names_below_a_map_are_not_keys_but_what_is_below_them_is() -> None:
    plain = {"things": {"my own": {"nme": 1}}}
    assert list(unknown_keys(plain, KNOWN, frozenset({"things"}))) == [("things.my own.nme", "nme", "name")]


def test_literals_are_not_looked_into() -> None:
    plain = {"things": [{"whatever": {"deeper": 1}}]}
    assert list(unknown_keys(plain, KNOWN, frozenset({"things"}))) == []
