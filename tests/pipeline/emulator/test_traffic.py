import threading

from pipeline.emulator.traffic import Traffic


def test_places_are_given_up_to_the_limit_and_the_refused_hold_none() -> None:
    traffic = Traffic()
    with traffic.admitted(2) as one, traffic.admitted(2) as two, traffic.admitted(2) as three:
        assert (one, two, three) == (True, True, False)
        assert traffic.counts()["in_flight"] == 2
    counts = traffic.counts()
    assert (counts["in_flight"], counts["peak_concurrency"], counts["rejected"]) == (0, 2, 1)


def test_a_place_is_free_again_while_a_refused_request_is_still_being_answered() -> None:
    traffic = Traffic()
    first = traffic.admitted(1)
    assert first.__enter__()
    with traffic.admitted(1) as refused:
        first.__exit__(None, None, None)
        with traffic.admitted(1) as next_one:
            assert (refused, next_one) == (False, True)
    assert traffic.counts()["in_flight"] == 0


def test_a_reset_keeps_what_is_in_flight() -> None:
    traffic = Traffic()
    traffic.count("value:compute")
    traffic.count_unnoticed("value:compute")
    with traffic.admitted(9):
        traffic.reset()
        assert traffic.counts() == {
            "requests": {}, "statuses": {}, "faults": {}, "truncated_unnoticed": {},
            "rejected": 0, "in_flight": 1, "peak_concurrency": 1,
        }  # fmt: skip


def test_counts_hold_under_many_threads() -> None:
    traffic = Traffic()

    def work() -> None:
        for _ in range(500):
            with traffic.admitted(100):
                traffic.count("x")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = traffic.counts()
    assert counts["requests"] == {"x": 4000}
    assert counts["in_flight"] == 0
    assert 1 <= counts["peak_concurrency"] <= 8
