import pytest
import torch

from training.analysis.one_modality import logits_of
from training.network import network_for
from training.settings import PretrainSettings


@pytest.mark.parametrize(("modalities", "fusion"), [("both", "mid"), ("both", "late"), ("s2", "mid")])
def test_it_is_what_the_whole_network_makes_of_that_modality(
    modalities: str, fusion: str, tiny_settings: PretrainSettings
) -> None:
    settings = tiny_settings.model_copy(update={"modalities": modalities, "fusion": fusion})
    network = network_for(settings).eval()
    s1, s2 = torch.rand(2, 2, 64, 64), torch.rand(2, 13, 64, 64)
    with torch.no_grad():
        whole = network(s1, s2)
        for modality, image in (("s1", s1), ("s2", s2)):
            if modality in network.modalities:
                assert torch.equal(logits_of(network, modality, image), whole[modality])
            else:
                with pytest.raises(ValueError, match="the network sees s2, not s1"):
                    logits_of(network, modality, image)


def test_any_side_is_taken(tiny_settings: PretrainSettings) -> None:
    network = network_for(tiny_settings).eval()
    with torch.no_grad():
        assert logits_of(network, "s1", torch.rand(1, 2, 51, 70)).shape == (1, 9, 51, 70)
