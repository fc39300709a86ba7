import torch

from training.to_device import to_device


def test_a_tensor_arrives_as_it_was() -> None:
    tensor = torch.arange(5)
    assert torch.equal(to_device(tensor, torch.device("cpu")), tensor)
    assert to_device(tensor, torch.device("meta")).is_meta
