from pipeline.funnel import funnel
from pipeline.schema.records import QualityRecord, Verdict


def quality(name: str, reason: str) -> QualityRecord:
    return QualityRecord(name, not reason, reason, "", (1.0,) * 4, (1.0,) * 4, (1.0,) * 4, (0,) * 9)


def test_every_location_is_accounted_for() -> None:
    verdicts = [Verdict("a", True, "", ""), Verdict("b", False, "no S2", "x"), Verdict("c", False, "no DW", "y")]
    verdicts += [Verdict("d", False, "no DW", "z"), Verdict("e", True, "", "")]
    steps = funnel(5, verdicts, [quality("a", ""), quality("e", "clouds")])
    assert [(s.stage, s.entered, s.kept) for s in steps] == [("sample", 5, 5), ("seasons", 5, 2), ("quality", 2, 1)]
    assert steps[1].reasons == (("no DW", 2), ("no S2", 1))
    assert all(s.entered == s.kept + sum(n for _, n in s.reasons) for s in steps)
