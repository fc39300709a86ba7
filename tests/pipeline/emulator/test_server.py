"""The server over plain HTTP: routes, limits, and each kind of fault as it looks on the wire."""

import http.client
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.emulator import connection
from pipeline.emulator.faults import Faults, parse_faults
from pipeline.emulator.limits import MAX_BODY_BYTES, MAX_CONCURRENT, MemoryLimit
from pipeline.emulator.server import EmulatorServer
from pipeline.emulator.workers import Here

VALUE = "/v1/projects/test/value:compute"
PIXELS = "/v1/projects/test/image:computePixels"


def two_bands() -> dict[str, Any]:
    load = {"functionName": "Image.load", "arguments": {"id": {"constantValue": "COPERNICUS/S2_HARMONIZED/S2_b"}}}
    affine = {"scaleX": 10, "translateX": 500_000, "scaleY": -10, "translateY": 5_299_000}
    return {
        "expression": {"result": "0", "values": {"0": {"functionInvocationValue": load}}},
        "bandIds": ["B4", "B8"],
        "fileFormat": "NPY",
        "grid": {"crsCode": "EPSG:32633", "affineTransform": affine, "dimensions": {"width": 4, "height": 4}},
    }


def one_plus(number: int) -> dict[str, Any]:
    arguments = {"left": {"constantValue": 1}, "right": {"constantValue": number}}
    node = {"functionInvocationValue": {"functionName": "Number.add", "arguments": arguments}}
    return {"expression": {"result": "0", "values": {"0": node}}}


def test_it_computes(post: Callable[..., Any]) -> None:
    answer = post("value:compute", one_plus(2))
    assert (answer.status, answer.json) == (200, {"result": 3})


def test_one_connection_serves_many_requests(url: str) -> None:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    try:
        for number in range(3):
            connection.request("POST", VALUE, json.dumps(one_plus(number)))
            assert json.loads(connection.getresponse().read()) == {"result": 1 + number}
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nothing"), ("POST", "/v1/projects/test/value:guess"), ("GET", VALUE)]
)
def test_unknown_paths_are_404(url: str, request_to: Callable[..., Any], method: str, path: str) -> None:
    answer = request_to(url, method, path)
    assert answer.status == 404
    assert answer.json["error"]["status"] == "NOT_FOUND"


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[1]"])
def test_a_body_that_is_no_json_object_is_400(post: Callable[..., Any], body: bytes) -> None:
    assert post("value:compute", body).status == 400


def test_an_expression_that_is_none_is_400(post: Callable[..., Any]) -> None:
    assert "lacks 'result' or 'values'" in post("value:compute", {}).message


def test_tokens_are_handed_out(url: str, request_to: Callable[..., Any]) -> None:
    answer = request_to(url, "POST", "/token", b"grant_type=x")
    assert {"access_token", "expires_in", "token_type"} == set(answer.json)


def test_a_service_account_s_key_file_is_enough(url: str) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from google.auth.transport.requests import Request
    from google.oauth2 import service_account

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    info = {"client_email": "a@b.c", "token_uri": f"{url}/token", "private_key": key.decode(), "project_id": "test"}
    credentials = service_account.Credentials.from_service_account_info(info, scopes=["x"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "127.0.0.1")
        request = Request()
        credentials.refresh(request)
        request.session.close()
    assert credentials.valid


def test_requests_are_counted_and_the_counts_reset(world: Any, request_to: Callable[..., Any]) -> None:
    with EmulatorServer(world) as server:
        for _ in range(3):
            request_to(server.url, "POST", VALUE, one_plus(1))
        request_to(server.url, "POST", VALUE, {})
        counts = request_to(server.url, "GET", "/diagnostics/counts").json
        assert counts["requests"] == {"value:compute": 4}
        assert counts["statuses"] == {"200": 3, "400": 1}
        assert counts["peak_concurrency"] in (1, 2), "a place is given back just after its answer is sent"
        request_to(server.url, "POST", "/diagnostics/reset")
        assert request_to(server.url, "GET", "/diagnostics/counts").json["requests"] == {}


def test_a_body_over_the_limit_is_refused(post: Callable[..., Any]) -> None:
    padded = json.dumps(one_plus(1)).encode()
    assert post("value:compute", padded + b" " * (MAX_BODY_BYTES - len(padded))).status == 200
    answer = post("value:compute", padded + b" " * (MAX_BODY_BYTES - len(padded) + 1))
    assert answer.status == 400
    assert "10485760 bytes" in answer.message


def test_more_than_forty_at_once_are_refused(
    world: Any, request_to: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    monkeypatch.setattr(world, "scene", lambda _: gate.wait(30) and None)
    call = {"functionName": "Image.load", "arguments": {"id": {"constantValue": "a/b"}}}
    held = {"expression": {"result": "0", "values": {"0": {"functionInvocationValue": call}}}}
    with EmulatorServer(world) as server, ThreadPoolExecutor(MAX_CONCURRENT) as pool:
        waiting = [pool.submit(request_to, server.url, "POST", VALUE, held) for _ in range(MAX_CONCURRENT)]
        while server.traffic.counts()["in_flight"] < MAX_CONCURRENT:
            time.sleep(0.01)
        refused = request_to(server.url, "POST", VALUE, one_plus(1))
        gate.set()
        assert {future.result().status for future in waiting} == {400}
        assert (refused.status, refused.json["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")
        counts = server.traffic.counts()
        assert (counts["rejected"], counts["peak_concurrency"]) == (1, MAX_CONCURRENT)
        assert request_to(server.url, "POST", VALUE, one_plus(1)).status == 200


def test_the_refused_are_told_at_once_and_hold_no_place(
    world: Any, request_to: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, waiting = threading.Event(), threading.Semaphore(0)

    def latency(seconds: float) -> None:
        assert seconds == 1e6
        waiting.release()
        gate.wait(30)

    monkeypatch.setattr(connection, "time", SimpleNamespace(sleep=latency))
    monkeypatch.setattr(connection, "MAX_CONCURRENT", 2)
    with EmulatorServer(world, latency_s=1e6) as server, ThreadPoolExecutor(2) as pool:
        held = [pool.submit(request_to, server.url, "POST", VALUE, one_plus(1)) for _ in range(2)]
        assert waiting.acquire(timeout=30)
        assert waiting.acquire(timeout=30)
        refused = [request_to(server.url, "POST", VALUE, one_plus(1)).status for _ in range(5)]
        counts = server.traffic.counts()
        gate.set()
        assert {future.result().status for future in held} == {200}
    assert refused == [429] * 5, "answered while the admitted still wait out the latency"
    assert (counts["in_flight"], counts["peak_concurrency"], counts["rejected"]) == (2, 2, 5)


def test_a_defect_of_the_emulator_is_a_500_with_its_name(
    world: Any, request_to: Callable[..., Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: str) -> None:
        raise KeyError("oops")

    monkeypatch.setattr(world, "scene", broken)
    call = {"functionName": "Image.load", "arguments": {"id": {"constantValue": "a/b"}}}
    with EmulatorServer(world) as server:
        body = {"expression": {"result": "0", "values": {"0": {"functionInvocationValue": call}}}}
        answer = request_to(server.url, "POST", VALUE, body)
    assert answer.status == 500
    assert "defect of the emulator: KeyError" in answer.message
    assert "oops" in capsys.readouterr().err


def test_an_answer_that_cannot_be_computed_is_a_500(
    world: Any, request_to: Callable[..., Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise BrokenProcessPool("a worker died")

    monkeypatch.setattr(Here, "__call__", broken)
    with EmulatorServer(world) as server:
        answer = request_to(server.url, "POST", VALUE, one_plus(1))
        assert server.traffic.counts()["statuses"] == {"500": 1}
    assert answer.status == 500
    assert "could not compute the answer: BrokenProcessPool: a worker died" in answer.message
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "reported"), [(KeyError("oops"), True), (BrokenPipeError(), False), (TimeoutError(), False)]
)
def test_only_a_client_that_went_away_is_passed_over(
    world: Any,
    request_to: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    reported: bool,
) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr(connection.Connection, "_send", broken)
    with EmulatorServer(world) as server, pytest.raises(ConnectionError):
        request_to(server.url, "POST", VALUE, one_plus(1))
    said = capsys.readouterr().err
    assert ("Traceback" in said, "oops" in said) == (reported, reported)


@pytest.mark.parametrize("length", ["many", "-1", "1.5", "9" * 5000])
def test_a_length_that_is_no_number_is_400(world: Any, length: str) -> None:
    with EmulatorServer(world) as server:
        client = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=30)
        try:
            client.request("POST", VALUE, headers={"Content-Length": length})
            answer = client.getresponse()
            assert (answer.status, b"Content-Length" in answer.read()) == (400, True)
        finally:
            client.close()


@pytest.mark.parametrize(
    ("kind", "status"), [("429", 429), ("403", 403), ("500", 500), ("503", 503), ("memory", 400), ("401", 401)]
)
def test_error_faults(world: Any, request_to: Callable[..., Any], kind: str, status: int) -> None:
    with EmulatorServer(world, faults=parse_faults(f"{kind}:1")) as server:
        answer = request_to(server.url, "POST", VALUE, one_plus(1))
        assert (answer.status, answer.json["error"]["code"]) == (status, status)
        assert server.traffic.counts()["faults"] == {kind: 1}
        assert request_to(server.url, "GET", "/v1/projects/test/algorithms").status == 200


def test_a_reset_fault_resets(world: Any, request_to: Callable[..., Any]) -> None:
    with EmulatorServer(world, faults=parse_faults("reset:1")) as server:
        for _ in range(3):
            with pytest.raises(ConnectionResetError):
                request_to(server.url, "POST", VALUE, one_plus(1))
        assert server.traffic.counts()["faults"] == {"reset": 3}


def test_truncated_bodies_with_and_without_a_word(world: Any, request_to: Callable[..., Any]) -> None:
    with EmulatorServer(world, faults=parse_faults("truncate:1"), fault_seed=1) as server:
        answers = [request_to(server.url, "POST", VALUE, one_plus(1)) for _ in range(20)]
        counts = server.traffic.counts()
    whole = len(b'{"result": 2}')
    assert {len(a.body) for a in answers} == {whole // 2}
    assert {a.declared for a in answers} == {whole, whole // 2}
    assert counts["truncated_unnoticed"] == {"value:compute": sum(a.declared < whole for a in answers)}


def test_pixels_of_other_types_are_as_long_as_the_right_ones(world: Any, request_to: Callable[..., Any]) -> None:
    with EmulatorServer(world) as calm, EmulatorServer(world, faults=parse_faults("badpixels:1")) as server:
        right, wrong = (request_to(one.url, "POST", PIXELS, two_bands()) for one in (calm, server))
        assert request_to(server.url, "POST", VALUE, one_plus(1)).json == {"result": 2}, "no pixels, no harm"
    assert len(right.body) == len(wrong.body) == wrong.declared
    assert (b"'<u2'" in right.body, b"'<u2'" in wrong.body) == (True, False)


@pytest.mark.parametrize(("most", "status"), [(1, 400), (2, 200)])
def test_more_bands_than_memory_holds_are_refused_for_sure(
    world: Any, request_to: Callable[..., Any], most: int, status: int
) -> None:
    with EmulatorServer(world, memory=MemoryLimit(most)) as server:
        answers = [request_to(server.url, "POST", PIXELS, two_bands()) for _ in range(2)]
        assert {answer.status for answer in answers} == {status}
        assert server.traffic.counts()["faults"] == {}
        assert request_to(server.url, "POST", VALUE, one_plus(1)).status == 200
    if status != 200:
        assert answers[0].message == "User memory limit exceeded."


def test_a_server_tells_what_is_wrong_with_scenes(world: Any, request_to: Callable[..., Any]) -> None:
    known = {"A/S1 x": {"shift_px": [1, -2]}}
    with EmulatorServer(world, flaws_of=lambda asset: known.get(asset, {})) as server:
        told = request_to(server.url, "GET", "/diagnostics/flaws?asset=A%2FS1%20x&asset=B/y").json
        nothing = request_to(server.url, "GET", "/diagnostics/flaws").json
    assert told == {"A/S1 x": {"shift_px": [1, -2]}, "B/y": {}}
    assert nothing == {}


def test_busy_time_is_told_by_endpoint(world: Any, request_to: Callable[..., Any]) -> None:
    with EmulatorServer(world, latency_s=0.05) as server:
        request_to(server.url, "POST", VALUE, one_plus(1))
        request_to(server.url, "POST", PIXELS, two_bands())
        busy = request_to(server.url, "GET", "/diagnostics/counts").json["busy_slot_seconds"]
    assert set(busy) == {"value:compute", "image:computePixels"}
    assert min(busy.values()) >= 0.05


def test_a_server_says_which_world_it_serves(world: Any, request_to: Callable[..., Any]) -> None:
    with EmulatorServer(world, identity={"seed": 3}) as named, EmulatorServer(world) as nameless:
        assert request_to(named.url, "GET", "/diagnostics/planet").json == {"seed": 3}
        assert request_to(nameless.url, "GET", "/diagnostics/planet").json == {}


def test_a_slow_answer_is_right_all_the_same(world: Any, request_to: Callable[..., Any]) -> None:
    with EmulatorServer(world, faults=Faults(parse_faults("slow:1").rates, slow_s=0.01)) as server:
        assert request_to(server.url, "POST", VALUE, one_plus(1)).json == {"result": 2}
        assert server.traffic.counts()["faults"] == {"slow": 1}


def test_the_faults_follow_their_seed(world: Any, request_to: Callable[..., Any]) -> None:
    def statuses(seed: int) -> list[int]:
        with EmulatorServer(world, faults=parse_faults("429:0.3,503:0.3"), fault_seed=seed) as server:
            return [request_to(server.url, "POST", VALUE, one_plus(1)).status for _ in range(20)]

    assert statuses(1) == statuses(1)
    assert set(statuses(1)) == {200, 429, 503}


def test_stopping_ends_open_connections_and_frees_the_port(world: Any) -> None:
    server = EmulatorServer(world)
    server.start()
    host, port = server.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.request("POST", VALUE, json.dumps(one_plus(1)))
    connection.getresponse().read()
    server.stop()
    assert connection.sock.recv(1) == b""
    connection.close()
    with EmulatorServer(world, port=int(port)) as again:
        assert again.url.endswith(f":{port}")


def test_workers_need_a_factory(world: Any) -> None:
    with pytest.raises(ValueError, match="world_factory"):
        EmulatorServer(world, workers=2)
