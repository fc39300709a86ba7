from collections.abc import Callable

from pipeline.manifest.described import Described
from pipeline.manifest.documents.names import collection_id, home_of, person_name
from pipeline.schema.release import Creator, ReleaseSettings


def test_people_and_houses() -> None:
    person = person_name(Creator(name="Zhu, Xiao Xiang"))
    assert person is not None
    assert (person.family, person.given) == ("Zhu", "Xiao Xiang")
    assert person_name(Creator(name="European Space Agency")) is None


def test_where_a_release_is_found(describe_made_up: Callable[..., Described]) -> None:
    described = describe_made_up()
    assert home_of(described) is None
    assert collection_id(described) == "ssl4eo-s12-nol"
    hub = ReleaseSettings(hub="somebody/Our.Set")
    assert home_of(describe_made_up(release=hub)) == "https://huggingface.co/datasets/somebody/Our.Set"
    assert collection_id(describe_made_up(release=hub)) == "our-set"
    both = ReleaseSettings(hub="a/b", url="https://example.org/x")
    assert home_of(describe_made_up(release=both)) == "https://example.org/x"
