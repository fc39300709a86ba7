"""PyTorch and the GPU, tried in a process of their own: a broken installation takes down whatever imports it."""

import json
import shutil
import subprocess
import sys
from typing import Any, Final

from pipeline.doctor.finding import Finding, Health

TIMEOUT_S: Final = 180
"""Importing torch from a busy network disk takes its time."""

NVIDIA_SMI: Final = "nvidia-smi"
"""Comes with NVIDIA's driver and lists its GPUs with -L."""

PAIR_ADVICE: Final = (
    "torch and torchvision must be builds of the same release: install both anew, in one command, from one index"
)

_CHILD: Final = """
import json, torch, torchvision
torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
gpus = []
for each in range(torch.cuda.device_count()):
    torch.ones(1, device=f"cuda:{each}").add_(1).item()
    about = torch.cuda.get_device_properties(each)
    gpus.append({"name": about.name, "memory_gb": about.total_memory / 1e9})
print(json.dumps({"torch": torch.__version__, "torchvision": torchvision.__version__,
                  "cuda": torch.version.cuda, "gpus": gpus}))
"""
"""An operator of torchvision fails where the two do not fit, a kernel on a GPU where torch is not for that GPU."""


def check_torch(python: str = sys.executable) -> list[Finding]:
    """Whether torch and torchvision work together, and on which GPUs; two findings, or one where they do not."""
    try:
        child = subprocess.run([python, "-c", _CHILD], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return [Finding("PyTorch", Health.PROBLEM, f"not imported within {TIMEOUT_S} s", "see how busy the disk is")]
    if child.returncode:
        lines = child.stderr.strip().splitlines() or [f"ended with status {child.returncode}"]
        return [Finding("PyTorch", Health.PROBLEM, f"does not work: {lines[-1]}", PAIR_ADVICE)]
    about = json.loads(child.stdout.strip().splitlines()[-1])
    build = f"CUDA {about['cuda']}" if about["cuda"] else "CPU only"
    works = f"torch {about['torch']} ({build}) and torchvision {about['torchvision']} work together"
    return [Finding("PyTorch", Health.OK, works), _gpu(about)]


def _gpu(about: dict[str, Any]) -> Finding:
    if about["gpus"]:
        listed = ", ".join(f"{gpu['name']} ({gpu['memory_gb']:.0f} GB)" for gpu in about["gpus"])
        return Finding("GPU", Health.OK, listed)
    cards = _cards()
    if cards:
        have = f"torch for CUDA {about['cuda']}" if about["cuda"] else "torch without CUDA"
        advice = (
            "compare the CUDA version that nvidia-smi prints with that of torch; update the driver or install a torch "
            "for its version, and see whether CUDA_VISIBLE_DEVICES hides the GPU"
        )
        return Finding("GPU", Health.NOTE, f"the driver lists {cards[0]}, but {have} does not see it", advice)
    advice = "builds and the demo need none; for pretraining at full size use a machine with an NVIDIA GPU"
    return Finding("GPU", Health.NOTE, "none: pretraining runs on the CPU", advice)


def _cards() -> list[str]:
    """The GPUs that the driver knows, a line each; none where there is no driver."""
    if shutil.which(NVIDIA_SMI) is None:
        return []
    try:
        told = subprocess.run([NVIDIA_SMI, "-L"], capture_output=True, text=True, timeout=30, check=False)
    except subprocess.TimeoutExpired:
        return []
    return [line.partition(" (UUID")[0] for line in told.stdout.splitlines() if line.startswith("GPU ")]
