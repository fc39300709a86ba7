"""The two steps that `noldo bench step` compares, ready to run: ours and the plain one, of the same first weights."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch.optim import Adam

from benchmarks.plain_step import PlainStep, plain_loss
from pipeline.schema.landcover import N_DW_CLASSES
from training.augment import Augmentation, draw
from training.compute import Compute, Inputs, network_inputs
from training.loader import Batch
from training.modality import MODALITIES
from training.network import network_for
from training.objective import Objective
from training.run_state import new_state
from training.settings import PretrainSettings
from training.step import step_losses
from training.train_step import train_step
from training.trained_form import trained_form
from training.world import World

EPOCH = 40
"""In the midst of the ramp: selection weighs the pixels, and not yet in full."""


OURS, PLAIN = "ours", "plain"

Step = Callable[[Batch], None]
"""Copies a batch from host memory to the device, augments it, and moves the weights."""


def ours(settings: PretrainSettings, compute: Compute) -> Step:
    """The step of `noldo pretrain`."""
    state = new_state(settings, compute)
    forward = trained_form(state.network, compute, World(), whole=True)
    objective, generator = _objective(settings), torch.Generator().manual_seed(settings.seed)
    state.network.train()

    def step(batch: Batch) -> None:
        inputs = _inputs(batch, settings, compute, generator)
        train_step(forward, state.optimizer, inputs, EPOCH, objective=objective, compute=compute)

    return step


def plain(settings: PretrainSettings, compute: Compute) -> Step:
    """The plain writing, behind the same augmentation: what differs is the step itself."""
    torch.manual_seed(settings.seed)
    network = network_for(settings).to(compute.device).train()
    optimizer = Adam(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    scaler = torch.amp.GradScaler(compute.device.type, enabled=compute.bf16)
    one = PlainStep(network, optimizer, scaler, _objective(settings))
    generator = torch.Generator().manual_seed(settings.seed)

    def step(batch: Batch) -> None:
        one.run(_inputs(batch, settings, compute, generator), EPOCH)

    return step


PARTIES = {OURS: ours, PLAIN: plain}


def apart(batch: Batch, settings: PretrainSettings, compute: Compute) -> float:
    """How far the two first losses are apart, relative to the plain one; in float32, neither compiled.

    So what rounding leaves, some 1e-6, tells that both compute the same.
    """
    exact = replace(compute, bf16=False, compile=False)
    generator = torch.Generator().manual_seed(settings.seed)
    inputs = _inputs(batch, settings, exact, generator)
    state = new_state(settings, exact)
    tf32, torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.allow_tf32, False
    try:
        with torch.no_grad():
            logits = state.network.train()(inputs.s1, inputs.s2)
            our_loss = step_losses(logits, inputs, EPOCH, _objective(settings)).total.item()
            network = state.network.to(memory_format=torch.contiguous_format)
            logits = network(inputs.s1.contiguous(), inputs.s2.contiguous())
            plain_total = plain_loss(logits, inputs, EPOCH, _objective(settings)).item()
    finally:
        torch.backends.cudnn.allow_tf32 = tf32
    return abs(our_loss - plain_total) / abs(plain_total)


def losses_alone(batch: Batch, settings: PretrainSettings, compute: Compute) -> dict[str, Callable[[], None]]:
    """By party, what it takes from logits to their gradients, without a network."""
    inputs = _inputs(batch, settings, compute, torch.Generator().manual_seed(settings.seed))
    objective, (b, _, h, w) = _objective(settings), inputs.s2.shape
    # Channels last, as a network's head leaves them.
    drawn = torch.randn(2, b, h, w, N_DW_CLASSES, device=compute.device).movedim(-1, 2)
    logits = {m: one_BCHW.clone().requires_grad_() for m, one_BCHW in zip(MODALITIES, drawn, strict=True)}

    def of_ours() -> None:
        step_losses(logits, inputs, EPOCH, objective, compiled=compute.compile).total.backward()  # type: ignore[no-untyped-call]

    def of_plain() -> None:
        plain_loss(logits, inputs, EPOCH, objective).backward()  # type: ignore[no-untyped-call]

    return {OURS: of_ours, PLAIN: of_plain}


def _inputs(batch: Batch, settings: PretrainSettings, compute: Compute, generator: torch.Generator) -> Inputs:
    augmentation = Augmentation(settings.crop_px, settings.flip_p, settings.rotation_p, settings.rotation_max_deg)
    placement = draw(augmentation, len(batch.rows), batch.s2.shape[-1], generator)
    return network_inputs(batch, placement, s2_bands=settings.s2_bands, compute=compute)


def _objective(settings: PretrainSettings) -> Objective:
    return Objective(**settings.objective.model_dump())
