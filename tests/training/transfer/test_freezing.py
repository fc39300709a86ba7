import pytest

from training.transfer.freezing import encoder_learns
from training.transfer.settings import TransferSettings


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"mode": "frozen"}, [False] * 4),
        ({"mode": "fine-tuned"}, [True] * 4),
        ({"mode": "frozen-then-unfrozen", "unfreeze_epoch": 2}, [False, False, True, True]),
    ],
)
def test_when_an_encoder_learns(changes: dict[str, object], expected: list[bool]) -> None:
    settings = TransferSettings.model_validate(changes)
    assert [encoder_learns(settings, epoch) for epoch in range(4)] == expected
