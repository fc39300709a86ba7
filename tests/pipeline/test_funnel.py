from pipeline.funnel import NO_PIXELS, NOTHING_THERE, STILL_TO_COME, funnel, nothing_left
from pipeline.schema.errors import FailureKind
from pipeline.schema.records import ExportRecord, Lack, QualityRecord, Verdict


def quality(name: str, reason: str, *lacking: Lack) -> QualityRecord:
    return QualityRecord(name, not reason, reason, "", (1.0,) * 4, (1.0,) * 4, (1.0,) * 4, (0,) * 9, lacking=lacking)


def dropped(name: str, reason: str, *seasons: int) -> Verdict:
    return Verdict(name, False, reason, "", tuple(Lack(season, reason) for season in seasons))


def test_every_location_is_accounted_for() -> None:
    verdicts = [Verdict("a", True, "", ""), dropped("b", "no S2", 0), dropped("c", "no DW", 1, 3)]
    verdicts += [dropped("d", "no DW", 1), *(Verdict(name, True, "", "") for name in "efgh")]
    exported = [ExportRecord(name, row, None, "") for row, name in enumerate("ae")]
    exported += [
        ExportRecord("f", -1, FailureKind.PERMANENT, "gone"),
        ExportRecord("g", -1, FailureKind.EMPTY, ""),
        ExportRecord("h", -1, FailureKind.QUOTA, "429"),
    ]
    steps = funnel(8, verdicts, iter(exported), [quality("a", ""), quality("e", "clouds", Lack(2, "clouds"))])
    assert [(s.stage, s.entered, s.kept) for s in steps] == [
        ("sample", 8, 8), ("seasons", 8, 5), ("export", 5, 2), ("quality", 2, 1),
    ]  # fmt: skip
    assert steps[1].reasons == (("no DW", 2), ("no S2", 1))
    assert steps[1].by_season == (("no DW", (0, 2, 0, 1)), ("no S2", (1, 0, 0, 0)))
    assert dict(steps[2].reasons) == {NO_PIXELS: 1, NOTHING_THERE: 1, STILL_TO_COME: 1}
    assert steps[3].by_season == (("clouds", (0, 0, 1, 0)),)
    assert all(s.entered == s.kept + sum(n for _, n in s.reasons) for s in steps)


def test_one_season_counts_a_location_once_for_a_reason() -> None:
    (_, step, *_) = funnel(1, [dropped("a", "no DW", 2, 2)], [], [])
    assert step.by_season == (("no DW", (0, 0, 1, 0)),)


def test_where_nothing_is_left_the_reasons_are_told_the_commonest_first() -> None:
    verdicts = [dropped("a", "no S1 scene", 0), dropped("b", "no DW label", 2), dropped("c", "no DW label", 2)]
    told = nothing_left(funnel(3, verdicts, [], []))
    assert "dropped for: no DW label 2, no S1 scene 1 (seasons.prefer_labelled=true" in told
    assert "prefer_labelled" not in nothing_left(funnel(1, verdicts[:1], [], []))
