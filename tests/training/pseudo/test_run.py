"""The whole run: a teacher, its labels in the store, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import zarr

from pipeline.schema.bands import S1_SCALING, S2_SCALING
from pipeline.schema.errors import NoldoError, UsageError
from pipeline.schema.strict import validated
from training.checkpoint import save_weights
from training.compute import choose_compute
from training.dataset import open_store
from training.network import network_for
from training.pretrain import pretrain
from training.pseudo import train_teacher
from training.pseudo.progress import PseudoProgress
from training.pseudo.run import PseudoLabelResult, pseudo_label
from training.pseudo.settings import PseudoLabelSettings
from training.pseudo.state import new_state
from training.run_record import split_kind
from training.settings import PretrainSettings
from training.weight_files import read_weights


def changed(settings: PseudoLabelSettings, **of_section: dict[str, Any]) -> PseudoLabelSettings:
    raw = settings.model_dump()
    for section, values in of_section.items():
        raw[section] |= values
    return validated(PseudoLabelSettings, raw, "test")


def make(settings: PseudoLabelSettings, store: Path, out: Path, **more: Any) -> PseudoLabelResult:
    given = {"name": "pl", "teachers": (), "weights": None, "reference": None, "replace": False, "resume": False}
    return pseudo_label(settings, store, out, **{**given, "on_progress": lambda _: None, **more})


def array(store: Path, name: str) -> Any:
    return np.asarray(zarr.open_array(store / "labels" / name, mode="r")[:])


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
def test_a_teacher_labels_the_store_and_a_student_learns_from_it(
    few: PseudoLabelSettings, store: Path, small: tuple[Path, Path], tmp_path: Path, tiny_settings: PretrainSettings
) -> None:
    told: list[PseudoProgress] = []
    settings = changed(few, write={"joined": ["agreement", "union"]})
    done = make(settings, store, tmp_path / "t", reference=small[1], on_progress=told.append)
    assert not done.reused
    labels, confidence = array(store, "pl"), array(store, "pl_confidence")
    assert labels.shape == (8, 4, 72, 72)
    assert labels.max() < 9
    assert confidence.min() >= 255 // 9
    dw = np.asarray(zarr.open_array(store / "dw", mode="r")[:])
    assert np.array_equal(array(store, "pl_agreement"), np.where(labels == dw, labels, 255))
    assert np.array_equal(array(store, "pl_union"), np.where(dw == 255, labels, dw))
    truth = np.asarray(zarr.open_array(small[1] / "truth", mode="r")[:])
    found = done.result["labels"]
    assert found.keys() == {"dw", "pl", "pl_agreement", "pl_union"}
    assert found["pl"]["against_truth"]["all"]["oa"] == pytest.approx((labels == truth).mean())
    assert found["pl"]["against_dw"]["oa"] == pytest.approx((labels == dw)[dw != 255].mean())
    assert found["dw"]["labelled_share"] == pytest.approx((dw != 255).mean())
    assert {p.stage for p in told} == {"teacher", "labels"}
    assert told[-1].done == told[-1].total == 8
    again = make(settings, store, tmp_path / "t", reference=small[1])
    assert again.reused
    assert again.result == done.result

    student = tiny_settings.model_copy(update={"modalities": "s1", "label_source": "pl", "epochs": 1})
    student = PretrainSettings.model_validate(
        {**student.model_dump(), "objective": {"segmentation": "sce", "lovasz_weight": 1, "weigh_by_confidence": True}}
    )
    result = pretrain(student, store, tmp_path / "s", reference=small[1], resume=False, on_progress=lambda _: None)
    assert "pl_label" in result.result["scores"]
    record = json.loads((tmp_path / "s" / "run.json").read_text())
    assert record["labels_digest"] == open_store(store, "pl").labels.digest


def test_a_broken_off_training_goes_on_to_the_same_bits(
    few: PseudoLabelSettings, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(few, store, tmp_path / "whole")

    def stop(progress: PseudoProgress) -> None:
        if progress.stage == "teacher" and progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(few, store, tmp_path / "broken", name="other", on_progress=stop)
    assert not (store / "labels" / "other").exists()
    with pytest.raises(UsageError, match="unfinished teacher; add --resume"):
        make(few, store, tmp_path / "broken", name="other")
    make(few, store, tmp_path / "broken", name="other", resume=True)
    one, other = (read_weights(tmp_path / name / "weights.safetensors") for name in ("whole", "broken"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert len((tmp_path / "broken" / "log.jsonl").read_text().splitlines()) == 2


def drawn(folder: Path, settings: PretrainSettings, **kind: Any) -> Path:
    """The weights of a network that nobody trained, as a run of these settings would leave them."""
    settings = settings.model_copy(update=kind)
    folder.mkdir()
    torch.manual_seed(settings.seed)
    save_weights(network_for(settings), folder / "weights.safetensors")
    (folder / "run.json").write_text(json.dumps({"settings": settings.model_dump(mode="json"), "scaling": None}))
    return folder / "weights.safetensors"


def test_several_teachers_are_given_and_none_is_trained(
    few: PseudoLabelSettings, store: Path, tmp_path: Path, tiny_settings: PretrainSettings
) -> None:
    teachers = [
        drawn(tmp_path / "both", tiny_settings, seed=1),
        drawn(tmp_path / "nine", tiny_settings, modalities="s2", s2_bands=9),
    ]
    for n, teacher in enumerate(teachers):
        make(few, store, tmp_path / "out", name=f"by_{n}", teachers=[teacher])
    agreement = changed(few, write={"ensemble": "agreement"})
    done = make(agreement, store, tmp_path / "out", name="all", teachers=teachers)
    each, together = [array(store, f"by_{n}") for n in (0, 1)], array(store, "all")
    known = together != 255
    assert np.array_equal(known, each[0] == each[1])
    assert np.array_equal(each[0][known], together[known])
    assert not array(store, "all_confidence")[~known].any()
    assert len(done.result["provenance"]["teachers_sha256"]) == 2
    assert not (tmp_path / "out" / "weights.safetensors").exists()
    blind = drawn(tmp_path / "s1", tiny_settings, modalities="s1")
    with pytest.raises(UsageError, match="sees Sentinel-1 alone"):
        make(few, store, tmp_path / "out", name="x", teachers=[blind])
    (tmp_path / "nine" / "weights.safetensors").write_bytes((tmp_path / "both" / "weights.safetensors").read_bytes())
    with pytest.raises(UsageError, match=r"of another shape|is not the network of"):
        make(few, store, tmp_path / "out", name="x", teachers=teachers[1:])


def test_held_out_scores_are_given_only_where_every_teacher_held_out_the_same(
    few: PseudoLabelSettings, store: Path, small: tuple[Path, Path], tmp_path: Path, tiny_settings: PretrainSettings
) -> None:
    split = {"val_fraction": few.teacher.val_fraction, "seed": few.teacher.seed}
    same, other = drawn(tmp_path / "same", tiny_settings, **split), drawn(tmp_path / "other", tiny_settings, seed=7)
    record = {"store_digest": open_store(store).digest, "split": split_kind(groups_known=False)}
    for weights in (same, other):
        file = weights.parent / "run.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **record}))

    def scored(name: str, settings: PseudoLabelSettings, *teachers: Path) -> tuple[int | None, bool]:
        done = make(settings, store, tmp_path / "out", name=name, teachers=teachers, reference=small[1])
        found = done.result["labels"]["one"]["against_truth"]
        assert found["all"] is not None
        return done.result["locations_held_out"], found["held_out"] is not None

    assert scored("one", few, same) == (2, True)
    assert scored("one", changed(few, teacher={"seed": 5}), same) == (None, False), (
        "the labels are there, but the split"
    )
    assert scored("one", few, same) == (2, True)
    attributes = zarr.open_array(store / "labels" / "one", mode="r").attrs
    assert attributes["teachers_held_out_as"] == [{**record, **split}]
    done = make(few, store, tmp_path / "out", name="two", teachers=(same, other), reference=small[1])
    assert done.result["locations_held_out"] is None
    assert {found["against_truth"]["held_out"] for found in done.result["labels"].values()} == {None}
    (tmp_path / "same" / "run.json").write_text(
        (tmp_path / "same" / "run.json").read_text().replace(record["store_digest"], "sha256:of another")
    )
    assert scored("one", few, same) == (None, False)


def test_a_teacher_of_other_scaling_is_refused(
    few: PseudoLabelSettings, store: Path, tmp_path: Path, tiny_settings: PretrainSettings
) -> None:
    teacher = drawn(tmp_path / "t", tiny_settings)
    for name, scaling in (("s1", S1_SCALING), ("s2", S2_SCALING)):
        attributes: dict[str, Any] = {"bands": list(scaling.bands), "scaling": scaling.as_attributes()}
        zarr.open_array(store, path=name, mode="r+").attrs.update(attributes)
    record = json.loads((tmp_path / "t" / "run.json").read_text())
    other = {**S2_SCALING.as_attributes(), "clip_std": 3.0}
    (tmp_path / "t" / "run.json").write_text(json.dumps({**record, "scaling": {"s2": other}}))
    with pytest.raises(UsageError, match="learnt from images of another scaling"):
        make(few, store, tmp_path / "out", teachers=[teacher])


def test_what_does_not_fit_is_refused_before_anything_is_trained(
    few: PseudoLabelSettings, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_teacher, "_train_epoch", lambda *_: pytest.fail("trained"))
    out = tmp_path / "t"
    for name in ("dw", "pl_confidence", "pl_union", "pl_agreement", "P", "a/b", ""):
        with pytest.raises(UsageError, match="--name is"):
            make(few, store, out, name=name)
    for learnt in ("pl", "pl_union", "pl_agreement", "pl_confidence"):
        with pytest.raises(UsageError, match=f"the teacher learns from {learnt} "):
            make(changed(few, teacher={"label_source": learnt}), store, out)
    with pytest.raises(UsageError, match="crop_px is 96"):
        make(changed(few, teacher={"crop_px": 96}), store, out)
    with pytest.raises(UsageError, match=r"run\.json is not beside it"):
        make(few, store, out, teachers=[tmp_path / "weights.safetensors"])
    assert not out.exists()
    zarr.open_group(store).create_group("labels").create_array("pl", data=np.zeros((8, 4, 72, 72), np.uint8))
    with pytest.raises(UsageError, match="has labels 'pl' already, made otherwise; add --replace"):
        make(few, store, out)


def test_labels_made_otherwise_are_replaced_only_where_told(
    few: PseudoLabelSettings, store: Path, tmp_path: Path
) -> None:
    make(few, store, tmp_path / "t")
    before = array(store, "pl")
    unsure = changed(few, write={"min_confidence": 1.0})
    with pytest.raises(UsageError, match="add --replace"):
        make(unsure, store, tmp_path / "t")
    assert np.array_equal(array(store, "pl"), before)
    done = make(unsure, store, tmp_path / "t", replace=True)
    assert (array(store, "pl") == 255).mean() > 0.9
    assert done.result["labels"]["pl"]["labelled_share"] < 0.1


def test_labels_may_be_named_as_the_beginning_of_those_that_are_learnt(
    few: PseudoLabelSettings, store: Path, tmp_path: Path, tiny_settings: PretrainSettings
) -> None:
    teachers = [drawn(tmp_path / "t", tiny_settings)]
    make(few, store, tmp_path / "out", name="pl_two", teachers=teachers)
    before = array(store, "pl_two")
    make(changed(few, teacher={"label_source": "pl_two"}), store, tmp_path / "trained")
    assert np.array_equal(array(store, "pl_two"), before)
    assert not np.array_equal(array(store, "pl"), before)
    make(changed(few, teacher={"label_source": "pl"}), store, tmp_path / "out", teachers=teachers, replace=True)
    assert np.array_equal(array(store, "pl"), before), "a teacher that is given learns nothing"


def test_a_folder_of_another_teacher_is_refused(
    few: PseudoLabelSettings, store: Path, tmp_path: Path, tiny_settings: PretrainSettings
) -> None:
    make(few, store, tmp_path / "t")
    with pytest.raises(UsageError, match="holds a teacher with another confidence; choose another folder"):
        make(changed(few, teacher={"confidence": 0.5}), store, tmp_path / "t", name="other")
    with pytest.raises(UsageError, match="another --weights"):
        make(few, store, tmp_path / "t", name="other", weights=tmp_path / "t" / "weights.safetensors")
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "run.json").write_text("{}")
    with pytest.raises(UsageError, match="holds a run of another kind"):
        make(few, store, tmp_path / "p", name="other")


@pytest.mark.parametrize(("kind", "part"), [({"fusion": "mid"}, ""), ({"fusion": "late"}, "model2.")], ids=str)
def test_a_training_starts_from_weights_of_either_fusion(
    few: PseudoLabelSettings, tmp_path: Path, tiny_settings: PretrainSettings, kind: dict[str, str], part: str
) -> None:
    channels = few.teacher.decoder_channels
    weights = drawn(tmp_path / "w", tiny_settings, decoder_channels=channels, seed=3, **kind)
    state, report = new_state(few.teacher, choose_compute(few.teacher.as_pretraining()), weights)
    assert report is not None
    assert not report.missing
    given = read_weights(weights)
    for network in (state.student, state.teacher):
        for name, tensor in network.state_dict().items():
            assert torch.equal(tensor, given[f"net.{part}{name}"]), name


def test_weights_of_another_modality_are_refused(
    few: PseudoLabelSettings, tmp_path: Path, tiny_settings: PretrainSettings
) -> None:
    weights = drawn(tmp_path / "w", tiny_settings, decoder_channels=few.teacher.decoder_channels, modalities="s1")
    with pytest.raises(UsageError, match="of another shape"):
        new_state(few.teacher, choose_compute(few.teacher.as_pretraining()), weights)


def test_a_loss_that_runs_away_ends_the_training(few: PseudoLabelSettings, store: Path, tmp_path: Path) -> None:
    wild = changed(few, teacher={"learning_rate": 1e30})
    with pytest.raises(NoldoError, match=r"no finite number|the loss is nan"):
        make(wild, store, tmp_path / "t")
    assert not (store / "labels").exists()
