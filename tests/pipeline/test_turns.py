import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.turns import AT_ONCE, turn


def test_no_more_threads_have_a_turn_than_may() -> None:
    lock, inside, most = threading.Lock(), 0, 0
    full = threading.Barrier(AT_ONCE)

    def work(_: int) -> None:
        nonlocal inside, most
        with turn():
            with lock:
                inside += 1
                most = max(most, inside)
            full.wait(10)  # passes only where AT_ONCE have their turn together
            with lock:
                inside -= 1

    with ThreadPoolExecutor(4 * AT_ONCE) as pool:
        list(pool.map(work, range(8 * AT_ONCE)))
    assert most == AT_ONCE


def test_a_turn_is_given_up_where_the_work_fails() -> None:
    for _ in range(3 * AT_ONCE):
        with pytest.raises(ValueError, match="broken"), turn():
            raise ValueError("broken")
    with turn():
        pass
