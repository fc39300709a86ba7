"""Training calls the network itself, or what is made of it."""

from typing import Any

import pytest
import torch
from torch import nn

from training.compute import Compute
from training.network import network_for
from training.settings import PretrainSettings
from training.trained_form import trained_form
from training.world import ALONE

CPU = torch.device("cpu")


def test_one_process_without_compilation_trains_the_network_itself(tiny_settings: PretrainSettings) -> None:
    network = network_for(tiny_settings)
    assert trained_form(network, Compute(CPU, bf16=False), ALONE, whole=True) is network


def test_it_is_compiled_for_each_size_of_batch_by_itself(
    tiny_settings: PretrainSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[nn.Module, dict[str, Any]]] = []

    def compile_network(module: nn.Module, **options: Any) -> nn.Module:
        asked.append((module, options))
        return module

    monkeypatch.setattr(torch, "compile", compile_network)
    network = network_for(tiny_settings)
    trained_form(network, Compute(CPU, bf16=False, compile=True), ALONE, whole=True)
    assert asked == [(network, {"dynamic": False})]
