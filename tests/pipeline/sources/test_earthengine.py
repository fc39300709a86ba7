import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ee
import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from pipeline.schema.errors import FailureKind, SourceError, UsageError
from pipeline.schema.grid import patch_grid
from pipeline.schema.records import Attempt, TimeWindow
from pipeline.sources.earthengine import (
    MAX_SLOTS,
    EarthEngineSource,
    EarthEngineSpec,
    emulator_spec,
    is_loopback,
)
from pipeline.sources.pace import BoundLink, LocalPace, Slot, own_link
from pipeline.sources.protocol import LayerRequest, PixelRequest, SceneLimits, SceneSlot
from pipeline.sources.retry import RetryPolicy

LIMITS = SceneLimits(cloud_max_pct=20, max_candidates=8)
CENTRE = datetime(2021, 6, 21, 12, tzinfo=UTC)


def slots(count: int) -> list[SceneSlot]:
    window = TimeWindow(CENTRE - timedelta(days=30), CENTRE + timedelta(days=30), CENTRE)
    return [SceneSlot(f"location-{i}", 0, patch_grid(10, 48), window) for i in range(count)]


def one_band(value: int, size: int = 4) -> PixelRequest:
    layer = LayerRequest(f"DW/{value}", ("label",), ("dw",), "uint8", "nearest", 255)
    return PixelRequest(f"location-{value}", patch_grid(10, 48, size), (layer,))


def npy(value: int, size: int = 4) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.full((size, size), value, dtype=[("dw", "u1")]))
    return stream.getvalue()


def empty(count: int) -> dict[str, Any]:
    return {"result": [[[], [], [], []]] * count}


PIXELS = {"content_type": "application/octet-stream"}


def test_all_slots_go_in_one_request(service: Any) -> None:
    records: list[Attempt] = []
    source = EarthEngineSource(service.spec(workload_tag="noldo-test"), "match", own_link(records.append))
    service.will_send(empty(12))
    found = source.find_scenes(slots(12), LIMITS)
    assert [scenes.location_id for scenes in found] == [f"location-{i}" for i in range(12)]
    ((path, body),) = service.requests
    assert path == "/v1/projects/test-project/value:compute"
    assert body["workloadTag"] == "noldo-test"
    assert [(r.stage, r.location_id, r.attempt, r.kind) for r in records] == [
        ("connect", "", 1, "ok"),
        ("match", "location-0", 1, "ok"),
    ]
    assert records[1].received_bytes == len(json.dumps(empty(12)))
    assert records[1].milliseconds > 0


def test_no_slots_need_no_request(service: Any) -> None:
    source = EarthEngineSource(service.spec(), "match")
    assert source.find_scenes([], LIMITS) == []
    assert service.requests == []


def test_more_slots_than_one_request_takes_are_split_and_stay_in_order(service: Any) -> None:
    source = EarthEngineSource(service.spec(), "match")
    service.will_send(empty(MAX_SLOTS))
    service.will_send(empty(3))
    found = source.find_scenes(slots(MAX_SLOTS + 3), LIMITS)
    assert [scenes.location_id for scenes in found] == [f"location-{i}" for i in range(MAX_SLOTS + 3)]


def test_a_request_that_is_too_heavy_is_halved_at_once(service: Any) -> None:
    records: list[Attempt] = []
    source = EarthEngineSource(service.spec(), "match", own_link(records.append))
    service.will_refuse(400, "Computation timed out.")
    service.will_send(empty(2))
    service.will_send(empty(3))
    assert len(source.find_scenes(slots(5), LIMITS)) == 5
    assert [record.location_id for record in records[1:]] == ["location-0", "location-0", "location-2"]


def test_a_season_that_is_too_heavy_by_itself_fails_alone(service: Any) -> None:
    source = EarthEngineSource(service.spec(), "match")
    service.will_refuse(400, "Computation timed out.", times=2)
    service.will_refuse(400, "Computation timed out.", times=3)
    service.will_send(empty(1))
    service.will_send(empty(2))
    found = source.find_scenes(slots(4), LIMITS)
    assert [scenes.location_id for scenes in found] == [f"location-{i}" for i in range(4)]
    assert [scenes.failure is None for scenes in found] == [False, True, True, True]
    assert found[0].failure is not None
    assert found[0].failure.kind is FailureKind.PERMANENT
    assert "Computation timed out" in str(found[0].failure)


def test_a_request_goes_through_whatever_the_network_does(service: Any) -> None:
    records: list[Attempt] = []
    spec = service.spec(retry=RetryPolicy(attempts=8, base_s=0.001, cap_s=0.002))
    source = EarthEngineSource(spec, "export", own_link(records.append))
    service.will_refuse(429, "Too many requests")
    service.will_refuse(503, "Unavailable")
    service.will_send(reset=True)
    service.will_send(npy(3)[:20], declared=len(npy(3)), **PIXELS)
    service.will_send(npy(3)[:-1], **PIXELS)
    service.will_send(npy(3, size=5), **PIXELS)
    service.will_send(npy(3), **PIXELS)
    arrays = source.fetch_pixels(one_band(3))
    np.testing.assert_array_equal(arrays["dw"], np.full((4, 4), 3, np.uint8))
    kinds = [record.kind for record in records[1:]]
    assert kinds == ["quota", *["transient"] * 5, "ok"]
    assert records[-1].received_bytes == len(npy(3))
    assert all(record.message for record in records[1:-1])


def test_the_pause_that_the_service_asks_for_is_kept(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source = EarthEngineSource(service.spec(), "match")
    pauses: list[float] = []
    monkeypatch.setattr("pipeline.sources.retry.time.sleep", pauses.append)
    service.will_send({"error": {"code": 429, "message": "slower", "status": "X"}}, status=429, retry_after="9")
    service.will_send(empty(1))
    assert len(source.find_scenes(slots(1), LIMITS)) == 1
    assert pauses == [9.0]


def test_a_slot_is_asked_for_every_attempt_at_the_stages_assumed_cost(service: Any) -> None:
    asked: list[float] = []

    class Counting(LocalPace):
        def slot(self, cost: float) -> AbstractContextManager[Slot]:
            asked.append(cost)
            return super().slot(cost)

    link = BoundLink(Counting(), lambda _: None, {"match": 20.0, "export": 10.0})
    source = EarthEngineSource(service.spec(), "match", link)
    service.will_refuse(503, "Unavailable")
    service.will_send(empty(1))
    source.find_scenes(slots(1), LIMITS)
    assert asked == [0.0, 20.0, 20.0], "the start-up computes nothing"


def test_scenes_cut_short_are_asked_for_again(service: Any) -> None:
    source = EarthEngineSource(service.spec(), "match")
    service.will_send(json.dumps(empty(2)).encode()[:-5])
    service.will_send(empty(1))
    service.will_send(empty(2))
    assert len(source.find_scenes(slots(2), LIMITS)) == 2


@pytest.mark.parametrize(
    ("status", "kind", "requests"),
    [(400, FailureKind.PERMANENT, 1), (404, FailureKind.PERMANENT, 1),
     (429, FailureKind.QUOTA, 3), (500, FailureKind.TRANSIENT, 3)],
)  # fmt: skip
def test_a_lasting_failure_keeps_its_kind_and_the_services_words(
    service: Any, status: int, kind: FailureKind, requests: int
) -> None:
    source = EarthEngineSource(service.spec(), "export")
    service.will_refuse(status, "the services words", times=requests)
    with pytest.raises(SourceError, match="the services words") as caught:
        source.fetch_pixels(one_band(1))
    assert caught.value.kind is kind
    assert len(service.requests) == requests


def test_refused_credentials_say_what_to_do(service: Any) -> None:
    source = EarthEngineSource(service.spec(), "export")
    service.will_refuse(401, "Unauthorized")
    with pytest.raises(UsageError, match="earthengine authenticate"):
        source.fetch_pixels(one_band(1))
    service.will_refuse(403, "Caller does not have required permission to use project")
    with pytest.raises(UsageError, match="registered for Earth Engine"):
        source.fetch_pixels(one_band(1))


def test_start_up_is_tried_again_too(service: Any) -> None:
    service.will_refuse(503, "Unavailable")
    service.will_send(b'{"name": "earthengine", "ver')
    service.start_up, service.script = service.script, service.start_up
    records: list[Attempt] = []
    source = EarthEngineSource(service.spec(), "match", own_link(records.append))
    assert [record.kind for record in records] == ["transient", "transient", "ok"]
    service.will_send(empty(1))
    assert len(source.find_scenes(slots(1), LIMITS)) == 1


def test_start_up_reaches_no_other_host(service: Any) -> None:
    """Sockets to other hosts are blocked in the tests and the client would warn, which is an error here."""
    EarthEngineSource(service.spec(), "match")
    assert ee.data.is_initialized()


def test_a_process_starts_the_client_once_for_a_specification(service: Any) -> None:
    records: list[Attempt] = []
    for _ in range(3):
        EarthEngineSource(service.spec(), "match", own_link(records.append))
    assert len(records) == 1
    EarthEngineSource(service.spec(project="another-project"), "match", own_link(records.append))
    assert len(records) == 2


def test_two_sources_each_reach_their_own_service(service: Any) -> None:
    one = EarthEngineSource(service.spec(project="project-one"), "match")
    two = EarthEngineSource(service.spec(project="project-two"), "match")
    for source in (one, two, one):
        service.will_send(empty(1))
        source.find_scenes(slots(1), LIMITS)
    projects = [path.split("/")[3] for path, _ in service.requests]
    assert projects == ["project-one", "project-two", "project-one"]


def test_nothing_listening_is_one_plain_line() -> None:
    spec = EarthEngineSpec(url="http://127.0.0.1:9", project="p", anonymous=True, retry=RetryPolicy(2, 0.001, 0.001))
    with pytest.raises(SourceError) as caught:
        EarthEngineSource(spec, "match")
    assert caught.value.kind is FailureKind.TRANSIENT
    message = str(caught.value)
    assert "http://127.0.0.1:9 does not answer" in message
    assert "noldo emulator serve" in message
    assert "\n" not in message


def test_a_service_that_is_not_earth_engine_is_named(service: Any) -> None:
    service.will_send(b"<html>", content_type="text/html", status=404, times=9)
    service.start_up = service.script
    with pytest.raises(SourceError, match=service.url) as caught:
        EarthEngineSource(service.spec(), "match")
    assert caught.value.kind is FailureKind.PERMANENT


@pytest.mark.parametrize("key_file", [None, "missing.json", "broken.json"])
def test_without_credentials_the_user_is_told_how_to_get_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key_file: str | None
) -> None:
    (tmp_path / "broken.json").write_text("{}")
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "EARTHENGINE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "CLOUDSDK_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    if key_file:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / key_file))
    with pytest.raises(UsageError, match="GOOGLE_APPLICATION_CREDENTIALS") as caught:
        EarthEngineSource(EarthEngineSpec(url="https://earthengine.invalid", project="p"), "match")
    assert "earthengine authenticate" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_service_accounts_key_file_is_all_that_production_needs(
    service: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {
        "type": "service_account", "project_id": "p", "private_key": key.decode(),
        "client_email": "robot@p.iam.gserviceaccount.com", "token_uri": f"{service.url}/token",
    }  # fmt: skip
    (tmp_path / "key.json").write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    source = EarthEngineSource(service.spec(anonymous=False), "match")
    service.will_send(empty(1))
    source.find_scenes(slots(1), LIMITS)
    assert service.authorization == "Bearer throw-away"


def test_an_emulator_is_sent_no_credentials(service: Any) -> None:
    source = EarthEngineSource(service.spec(), "match")
    service.will_send(empty(1))
    source.find_scenes(slots(1), LIMITS)
    assert service.authorization is None


def test_without_a_project_the_user_is_told_where_to_set_it(service: Any) -> None:
    with pytest.raises(UsageError, match=r"source\.project"):
        EarthEngineSource(service.spec(project=""), "match")


def test_more_pixels_than_the_service_gives_are_not_asked_for(service: Any) -> None:
    source = EarthEngineSource(service.spec(), "export")
    with pytest.raises(SourceError, match="50,331,648") as caught:
        source.fetch_pixels(one_band(1, size=7095))
    assert caught.value.kind is FailureKind.PERMANENT
    assert service.requests == []


def test_many_threads_get_their_own_pixels(service: Any) -> None:
    source = EarthEngineSource(service.spec(), "export")
    reply_type = type(service.answer("", None))

    def answer(_path: str, body: Any) -> Any:
        value = int(json.dumps(body).partition("DW/")[2].partition('"')[0])
        return reply_type(npy(value), **PIXELS)

    service.answer = answer
    with ThreadPoolExecutor(16) as pool:
        arrays = list(pool.map(lambda value: source.fetch_pixels(one_band(value)), range(160)))
    assert [int(a["dw"].min()) for a in arrays] == list(range(160))
    assert [int(a["dw"].max()) for a in arrays] == list(range(160))


def test_only_this_machine_is_loopback() -> None:
    assert is_loopback("http://127.0.0.1:8000")
    assert is_loopback("http://localhost:1")
    assert is_loopback("http://[::1]:1")
    assert not is_loopback("https://earthengine-highvolume.googleapis.com")
    assert emulator_spec("http://127.0.0.1:1").anonymous


def asked_bands(body: Any) -> list[str]:
    """The names under which a request's bands are to arrive, those of S2 first."""
    return sorted(set(re.findall(r'"((?:S2|DW)_[a-h])"', json.dumps(body))), key=lambda name: (name[0] != "S", name))


def two_layers(bands: int = 4) -> PixelRequest:
    letters = tuple("abcdefgh"[:bands])
    layers = [
        LayerRequest(f"{kind}/1", letters, tuple(f"{kind}_{x}" for x in letters), "uint8", "nearest", 255)
        for kind in ("S2", "DW")
    ]
    return PixelRequest("here", patch_grid(10, 48, 4), tuple(layers))


def serve_at_most(service: Any, bands: int) -> None:
    """Answer every band with a value of its own, but refuse requests for more bands than that."""
    reply_type = type(service.answer("", None))

    def answer(_path: str, body: Any) -> Any:
        names = asked_bands(body)
        if len(names) > bands:
            error = {"error": {"code": 400, "message": "User memory limit exceeded.", "status": "INVALID_ARGUMENT"}}
            return reply_type(json.dumps(error).encode(), status=400)
        table = np.zeros((4, 4), dtype=[(name, "u1") for name in names])
        for name in names:
            table[name] = sum(name.encode()) % 251
        stream = io.BytesIO()
        np.save(stream, table)
        return reply_type(stream.getvalue(), **PIXELS)

    service.answer = answer


@pytest.mark.parametrize(("most", "requests"), [(8, 1), (7, 3), (4, 3), (3, 7), (2, 7), (1, 15)])
def test_pixels_that_are_too_heavy_are_asked_for_in_pieces_and_are_the_same(
    service: Any, most: int, requests: int
) -> None:
    reports: list[Attempt] = []
    source = EarthEngineSource(service.spec(), "export", own_link(reports.append))
    serve_at_most(service, most)
    arrays = source.fetch_pixels(two_layers())
    assert {name: int(array[0, 0]) for name, array in arrays.items()} == {
        name: sum(name.encode()) % 251 for layer in two_layers().layers for name in layer.names
    }
    made = [report for report in reports if report.stage == "export"]
    assert len(service.requests) == len(made) == requests
    assert sum(report.kind == "ok" for report in made) == (requests + 1) // 2


def test_one_band_that_is_too_heavy_fails_for_good_in_plain_words(service: Any) -> None:
    source = EarthEngineSource(service.spec(), "export")
    serve_at_most(service, 0)
    with pytest.raises(SourceError, match=r"even a of S2/1 alone too heavy \(HTTP 400: User memory") as caught:
        source.fetch_pixels(two_layers())
    assert caught.value.kind is FailureKind.PERMANENT
    assert len(service.requests) == 4
