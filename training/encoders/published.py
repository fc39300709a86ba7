"""Weights that others have published: found behind their prefix, checked, and copied into an encoder."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from torch import Tensor, nn

from pipeline.schema.errors import UsageError
from training.checkpoint import KeyReport
from training.weight_files import read_weights

CHECKPOINT_KEYS = ("state_dict", "model", "teacher")
"""Under what checkpoints keep their weights: Lightning and MoCo, MAE and Barlow Twins, DINO."""

Refit = Callable[[Tensor, Tensor], Tensor]
"""Of a file's weight and the encoder's of the same name: the file's as the encoder takes it."""


def load_published(encoder: nn.Module, path: Path, *, prefixes: Sequence[str], refit: Refit | None = None) -> KeyReport:
    """Copy the weights that stand behind one of `prefixes` in `path` into `encoder`, and tell what was not.

    The first prefix behind which the file has a name of the encoder's is taken; give '' last for bare names. Loaded
    and missing weights are told by the encoder's names, unexpected ones by the file's. UsageError where the file is
    missing or unreadable, no prefix fits, or a weight has another shape; the encoder is then unchanged.
    """
    return copy_weights(encoder, read_weights(path, CHECKPOINT_KEYS), path, prefixes=prefixes, refit=refit)


def copy_weights(
    encoder: nn.Module, found: Mapping[str, Tensor], path: Path, *, prefixes: Sequence[str], refit: Refit | None = None
) -> KeyReport:
    """Do what `load_published` does with weights that have been read from `path`, with its errors."""
    wanted = encoder.state_dict()
    prefix = next((before for before in prefixes if any(before + name in found for name in wanted)), None)
    if prefix is None:
        looked = ", ".join(repr(before) for before in prefixes if before) or "nothing"
        raise UsageError(
            f"{path}: none of its {len(found)} weights has a name of the encoder's, bare or behind {looked}:"
            f" it has {_first(found)}, the encoder {_first(wanted)}; give the file that belongs to this encoder"
        )
    taken = {name: found[prefix + name] for name in wanted if prefix + name in found}
    if refit is not None:
        taken = {name: refit(weight, wanted[name]) for name, weight in taken.items()}
    misfits = [name for name, weight in taken.items() if weight.shape != wanted[name].shape]
    if misfits:
        details = ", ".join(f"{name} {list(taken[name].shape)}, not {list(wanted[name].shape)}" for name in misfits)
        raise UsageError(
            f"{path}: {len(misfits)} weights are of another shape than the encoder's: {details};"
            " give the weights of this modality, bands and architecture"
        )
    encoder.load_state_dict(taken, strict=False)
    return KeyReport(
        loaded=tuple(sorted(taken)),
        missing=tuple(sorted(wanted.keys() - taken.keys())),
        unexpected=tuple(sorted(found.keys() - {prefix + name for name in taken})),
    )


def _first(weights: Mapping[str, Tensor]) -> str:
    return f"{min(weights)}, ..." if weights else "nothing"
