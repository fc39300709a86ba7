"""Notebooks executed in one kernel that cannot leave this machine, its names forgotten from one to the next."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
GUARD = Path(__file__).parent / "guard"
FORGET = "%reset -f -s\nimport matplotlib.pyplot as plt; plt.close('all'); del plt"
"""A kernel of its own would import torch and all the rest anew for each notebook."""

Execute = Callable[..., Any]


@pytest.fixture(scope="session")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A line for each address outside this machine that the notebooks, or processes that they start, asked for."""
    path = tmp_path_factory.mktemp("outside") / "asked.txt"
    path.touch()
    return path


@pytest.fixture(scope="session")
def kernel(outside: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsyncKernelManager]:
    """One kernel, not started yet."""
    home = tmp_path_factory.mktemp("home")  # what a user has set up for Jupyter, IPython and Matplotlib plays no part
    set_to = {
        "NOLDO_OUTSIDE": str(outside),
        "PYTHONPATH": os.pathsep.join([str(GUARD), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "IPYTHONDIR": str(home / "ipython"),
        "MPLCONFIGDIR": str(home / "matplotlib"),
        "OMP_NUM_THREADS": "1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in set_to.items():
            patch.setenv(name, value)
        manager = AsyncKernelManager(kernel_name="python3", transport="ipc", ip=str(home / "kernel"))
        yield manager
        if manager.has_kernel:
            run_sync(manager.shutdown_kernel)(now=True)


@pytest.fixture(scope="session")
def execute(kernel: AsyncKernelManager) -> Execute:
    """`execute(name, **parameters)`: a notebook with its outputs; parameters take the place of its own."""

    def run(name: str, **parameters: Any) -> Any:
        notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
        (place,) = (i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", []))
        plain = {key: str(value) if isinstance(value, Path) else value for key, value in parameters.items()}
        given = "\n".join(f"{key} = {value!r}" for key, value in plain.items())
        notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(given))
        notebook.cells.insert(0, nbformat.v4.new_code_cell(FORGET))
        client = NotebookClient(notebook, km=kernel, timeout=240, resources={"metadata": {"path": str(NOTEBOOKS)}})
        try:
            return client.execute()
        finally:
            if client.kc is not None:
                client.kc.stop_channels()

    return run
