import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pipeline.sources.retry import BrokenAnswerError
from pipeline.sources.transport import ThreadLocalTransport


@pytest.fixture
def transport() -> Iterator[ThreadLocalTransport]:
    made = ThreadLocalTransport(timeout_s=5.0, trust_environment=False)
    yield made
    made.close()


def post(transport: ThreadLocalTransport, service: Any, body: Any = None) -> tuple[Any, bytes | memoryview]:
    return transport.request(f"{service.url}/call", "POST", body=json.dumps(body))


def test_a_response_looks_like_httplib2s(transport: ThreadLocalTransport, service: Any) -> None:
    service.will_send(b"pixels", content_type="application/octet-stream", status=201)
    response, content = post(transport, service)
    assert (response.status, response["content-type"], content) == (201, "application/octet-stream", b"pixels")
    assert transport.received_bytes == 6
    transport.forget_received()
    assert transport.received_bytes == 0


def test_each_of_many_threads_gets_its_own_answers(transport: ThreadLocalTransport, service: Any) -> None:
    reply_type = type(service.answer("", None))
    service.answer = lambda _path, body: reply_type(json.dumps({"result": body * 200}).encode())
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: post(transport, service, f"<{i}>")[1], range(200)))
    assert [json.loads(answer)["result"] for answer in answers] == [f"<{i}>" * 200 for i in range(200)]


def test_a_body_shorter_than_declared_is_a_connection_error(transport: ThreadLocalTransport, service: Any) -> None:
    service.will_send(b"half", declared=100, content_type="application/octet-stream")
    with pytest.raises(ConnectionError):
        post(transport, service)


@pytest.mark.parametrize("content_type", ["application/octet-stream", "application/json", "text/html"])
def test_a_large_body_arrives_whole_and_text_as_plain_bytes(
    transport: ThreadLocalTransport, service: Any, content_type: str
) -> None:
    body = json.dumps(list(range(200_000))).encode()
    service.will_send(body, content_type=content_type)
    content = post(transport, service)[1]
    assert len(content) == transport.received_bytes == len(body)
    assert bytes(content) == body
    assert isinstance(content, bytes) == (content_type != "application/octet-stream")


def test_a_large_body_shorter_than_declared_is_a_connection_error(
    transport: ThreadLocalTransport, service: Any
) -> None:
    service.will_send(bytes(600_000), declared=700_000, content_type="application/octet-stream")
    with pytest.raises(ConnectionError):
        post(transport, service)


@pytest.mark.parametrize("sent", [600_000, 800_000])
def test_a_large_body_of_another_length_than_announced_is_noticed(
    transport: ThreadLocalTransport, service: Any, sent: int
) -> None:
    service.will_send(bytes(sent), declared=700_000, chunked=True, content_type="application/octet-stream")
    with pytest.raises(BrokenAnswerError, match="700000 were announced"):
        post(transport, service)


def test_a_reset_is_a_connection_error(transport: ThreadLocalTransport, service: Any) -> None:
    service.will_send(reset=True)
    with pytest.raises(ConnectionError):
        post(transport, service)


def test_json_cut_short_with_a_matching_length_is_noticed(transport: ThreadLocalTransport, service: Any) -> None:
    service.will_send(b'{"result": [1, 2')
    with pytest.raises(BrokenAnswerError, match="16 bytes is not whole JSON"):
        post(transport, service)


def test_an_answer_that_never_comes_is_a_timeout(service: Any) -> None:
    impatient = ThreadLocalTransport(timeout_s=0.2, trust_environment=False)
    service.will_send(stall=True)
    with pytest.raises(TimeoutError, match=r"within 0\.2 s"):
        post(impatient, service)
    impatient.close()


def test_a_proxy_in_the_environment_does_not_stand_between_us_and_this_machine(
    transport: ThreadLocalTransport, service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert post(transport, service)[0].status == 200
