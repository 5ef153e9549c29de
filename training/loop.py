"""The training loop that the models share: seeded by step, resumed from checkpoints, with averaged weights."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Plan:
    """How long and how hard to train.

    folder: of the checkpoint. rate: the highest learning rate, reached after `warmup` steps and falling to a
    hundredth along a cosine. average: how much of the averaged weights is kept at each step (0: no average).
    """

    folder: Path
    steps: int
    rate: float
    warmup: int = 200
    decay: float = 0.01
    clip: float = 1.0
    average: float = 0.999
    checkpoint_every: int = 500
    report_every: int = 100


def train(model: nn.Module, loss_of: Callable[[int], Tensor], plan: Plan) -> nn.Module:
    """Train `model` in place and give back a copy of it with the averaged weights.

    `loss_of(step)` draws its own batch, from generators seeded by the step, so that a run that was interrupted and
    resumed sees what an unbroken one would have seen.
    """
    optimizer = torch.optim.AdamW(_groups(model, plan.decay), lr=plan.rate, betas=(0.9, 0.98))
    averaged = copy.deepcopy(model).requires_grad_(False)
    first = _resume(plan, model, averaged, optimizer)
    began, losses = time.monotonic(), []
    for step in range(first, plan.steps):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, plan)
        loss = loss_of(step)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), plan.clip)
        optimizer.step()
        optimizer.zero_grad()
        _average(averaged, model, min(plan.average, (1 + step) / (10 + step)))
        losses.append(loss.item())
        if (step + 1) % plan.report_every == 0:
            pace = (time.monotonic() - began) / (step + 1 - first)
            mean = sum(losses[-plan.report_every :]) / len(losses[-plan.report_every :])
            print(f"{plan.folder.name} {step + 1}/{plan.steps}  loss {mean:.4f}  {pace:.3f} s/step", flush=True)
        if (step + 1) % plan.checkpoint_every == 0 or step + 1 == plan.steps:
            _save(plan, step + 1, model, averaged, optimizer)
    return averaged.eval()


def rate_at(step: int, plan: Plan) -> float:
    """The learning rate of a step."""
    if step < plan.warmup:
        return plan.rate * (step + 1) / plan.warmup
    done = (step - plan.warmup) / max(1, plan.steps - plan.warmup)
    return plan.rate * (0.01 + 0.99 * (1 + math.cos(math.pi * min(done, 1.0))) / 2)


def _groups(model: nn.Module, decay: float) -> list[dict[str, object]]:
    """Biases, norms and embeddings of one dimension are not pulled towards zero."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    return [
        {"params": [weight for weight in weights if weight.ndim > 1], "weight_decay": decay},
        {"params": [weight for weight in weights if weight.ndim <= 1], "weight_decay": 0.0},
    ]


@torch.no_grad()
def _average(averaged: nn.Module, model: nn.Module, kept: float) -> None:
    torch._foreach_lerp_(list(averaged.parameters()), list(model.parameters()), 1 - kept)
    for ours, theirs in zip(averaged.buffers(), model.buffers(), strict=True):
        ours.copy_(theirs)


def _save(plan: Plan, step: int, model: nn.Module, averaged: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    plan.folder.mkdir(parents=True, exist_ok=True)
    state = {
        "step": step,
        "model": model.state_dict(),
        "averaged": averaged.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    fresh = plan.folder / "checkpoint.new"
    torch.save(state, fresh)
    fresh.replace(plan.folder / "checkpoint.pt")


def _resume(plan: Plan, model: nn.Module, averaged: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """The step to go on with: 0 where there is no checkpoint."""
    path = plan.folder / "checkpoint.pt"
    if not path.is_file():
        return 0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    averaged.load_state_dict(state["averaged"])
    optimizer.load_state_dict(state["optimizer"])
    step: int = state["step"]
    print(f"{plan.folder.name}: going on after step {step}", flush=True)
    return step
