from typing import Any

import pytest

from training.objective import Objective


@pytest.mark.parametrize(
    "wrong",
    [
        {"prior_factor": -0.1},
        {"prior_factor": 0.8, "uniform_factor": 0.3},
        {"final_ratio": 0.0},
        {"final_ratio": 1.5},
        {"ramp_epochs": -1},
        {"consistency_weight": -1.0},
        {"consistency": "l1"},
        {"confidence": "ce"},
        {"ramp": "cosine"},
        {"segmentation": "dice"},
        {"labels": "fuzzy"},
        {"sce_alpha": -1.0},
        {"sce_beta": -1.0},
        {"lovasz_weight": -1.0},
        {"gce_q": 0.0},
        {"gce_q": 1.1},
    ],
    ids=str,
)
def test_objective_out_of_range_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Objective(**wrong)
