"""The training loop: batches by length, warm-up, early stopping, checkpoints to go on from.

A loop of our own, not transformers' Trainer: its checkpoints are safetensors (Trainer's optimizer state is a pickle), a
run that was killed goes on to the very same weights, and the frozen lower layers of a large backbone run once and
not once an epoch.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from sklearn.metrics import f1_score
from torch import Tensor

from stance.errors import ModelError
from stance.models.network import FrozenBelow, StanceNetwork, trained_weights
from stance.models.prompts import Row, by_length, pad
from stance.models.store import load_arrays, save_arrays
from stance.progress import Meter

_log = logging.getLogger("stance.training")
_BUCKET = 32
"""Batches are cut from so many batches' worth of shuffled rows, sorted by length."""


@dataclass(frozen=True)
class Recipe:
    """How to train; see `stance.models.transformer.TransformerClassifier` for the parameters."""

    epochs: float
    batch_size: int
    learning_rate: float
    head_learning_rate: float
    warmup: float
    weight_decay: float
    patience: int
    checks: int
    averaging: float
    precision: Literal["auto", "fp32", "bf16"]
    seed: int


@dataclass
class State:
    """Where a training stands: all that a checkpoint holds."""

    step: int = 0
    best_score: float = -1.0
    best_step: int = 0
    checks_without_gain: int = 0
    history: list[dict[str, float]] = field(default_factory=list)


class Finetuning:
    """One training of a network.

    Parameters
    ----------
    network : StanceNetwork
        With `requires_grad` set where weights are trained.
    frozen : int
        How many of the lowest layers are not.
    rows, goals : list of Row, ndarray of shape (n, classes)
        What to learn: probabilities of the labels, and weights where they do not sum to 1.
    validation : (list of Row, ndarray of shape (m,)) or None
        Rows and the column of the right label; without, the last weights are kept.
    recipe : Recipe
    checkpoints : Path or None
        A folder; what stands there from the same training (same fingerprint) is gone on from.
    fingerprint : str
        Of data and recipe.
    """

    def __init__(
        self,
        network: StanceNetwork,
        frozen: int,
        rows: Sequence[Row],
        goals: npt.NDArray[np.float64],
        validation: tuple[Sequence[Row], npt.NDArray[np.intp]] | None,
        recipe: Recipe,
        checkpoints: Path | None = None,
        fingerprint: str = "",
    ) -> None:
        self.network, self.recipe = network, recipe
        self.device = find_device()
        self.autocast = _autocast(recipe.precision, self.device)
        self.rows, self.goals, self.validation = rows, goals, validation
        self.checkpoint = checkpoints / "checkpoint.safetensors" if checkpoints else None
        self.fingerprint = fingerprint
        self.weights = trained_weights(network)
        self.network.to(self.device)
        self.below = FrozenBelow(network, frozen) if frozen and FrozenBelow.applies(network) else None
        self.lower: dict[int, Tensor] = {}
        self.state = State()
        self._order: tuple[int, list[list[int]]] | None = None
        self.average = {name: weight.detach().clone() for name, weight in self.weights.items()}
        self.best = self.average
        self.steps_an_epoch = math.ceil(len(rows) / recipe.batch_size)
        self.steps = max(1, round(self.steps_an_epoch * recipe.epochs))
        self.optimizer = torch.optim.AdamW(self._groups())

    def run(self) -> State:
        """Train, put the best weights into the network and return how it went.

        Raises
        ------
        ModelError
            The loss is not a number any more.
        """
        self._resume()
        every = max(1, self.steps_an_epoch // self.recipe.checks)
        loss = 0.0
        with Meter("training", self.steps, self.state.step) as meter:
            while self.state.step < self.steps and not self._is_done():
                loss += self._step(self._batch(self.state.step))
                self.state.step += 1
                if self.state.step % every == 0 or self.state.step == self.steps:
                    self._check(loss / every)
                    loss = 0.0
                    meter.describe(self._headline())
                    self._save()
                meter.advance()
        self._put(self.best)
        self.network.to("cpu").eval()
        return self.state

    def _step(self, numbers: list[int]) -> float:
        self.network.train()
        # the random numbers of a step are its own, so that a run that was stopped goes on as if it had not been
        torch.manual_seed(self.recipe.seed * 1_000_003 + self.state.step)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * self._rate()
        goals = torch.as_tensor(self.goals[numbers], dtype=torch.float32, device=self.device)
        with self.autocast:
            logits = self._logits(numbers, self.rows)
        loss = -(goals * torch.log_softmax(logits.float(), dim=1)).sum() / goals.sum().clamp(min=1e-6)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise ModelError(
                f"the loss is not a number at step {self.state.step}: lower model.learning_rate "
                f"(now {self.recipe.learning_rate:g}), or set model.precision to fp32"
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.weights.values(), 1.0)
        self.optimizer.step()
        # the average begins as a plain one and forgets at the rate of `averaging` later
        keep = min(self.recipe.averaging, self.state.step / (self.state.step + 10))
        with torch.no_grad():
            for name, weight in self.weights.items():
                self.average[name].lerp_(weight, 1 - keep)
        return value

    def _rate(self) -> float:
        """Return the share of the peak learning rate: up in a line, then down in a line to nothing."""
        rising = max(1, round(self.recipe.warmup * self.steps))
        step = self.state.step
        return (step + 1) / rising if step < rising else (self.steps - step) / max(1, self.steps - rising)

    def _batch(self, step: int) -> list[int]:
        epoch, place = divmod(step, self.steps_an_epoch)
        if self._order is None or self._order[0] != epoch:
            random = np.random.default_rng([self.recipe.seed, epoch])
            shuffled = random.permutation(len(self.rows)).tolist()
            batches: list[list[int]] = []
            size = self.recipe.batch_size * _BUCKET
            for start in range(0, len(shuffled), size):
                part = shuffled[start : start + size]
                inner = by_length([self.rows[number] for number in part], self.recipe.batch_size)
                batches += [[part[i] for i in batch] for batch in inner]
            self._order = (epoch, [batches[i] for i in random.permutation(len(batches))])
        return self._order[1][place]

    def _logits(self, numbers: Sequence[int], rows: Sequence[Row]) -> Tensor:
        chosen = [rows[number] for number in numbers]
        ids, mask, span = (torch.from_numpy(a).to(self.device) for a in pad(chosen))
        if self.below is None:
            logits: Tensor = self.network(ids, mask, span)
            return logits
        if any(id(row) not in self.lower for row in chosen):
            with torch.no_grad():
                hidden = self.below.lower(ids, mask)
            for row, states in zip(chosen, hidden, strict=True):
                self.lower[id(row)] = states[: len(row.ids)].to("cpu", torch.float16)
        states = torch.nn.utils.rnn.pad_sequence([self.lower[id(row)] for row in chosen], batch_first=True)
        return self.below.logits(states.to(self.device, torch.float32), mask, span)

    def _check(self, loss: float) -> None:
        entry = {"step": self.state.step, "epoch": round(self.state.step / self.steps_an_epoch, 3), "loss": loss}
        if self.validation is None:
            self.best = self.average
        else:
            score = self._score()
            entry["macro_f1"] = score
            if score > self.state.best_score:
                self.state.best_score, self.state.best_step = score, self.state.step
                self.state.checks_without_gain = 0
                self.best = {name: weight.clone() for name, weight in self.average.items()}
            else:
                self.state.checks_without_gain += 1
        self.state.history.append(entry)
        _log.info("%s", self._headline())

    def _score(self) -> float:
        """Return macro-F1 on validation, with the averaged weights."""
        assert self.validation is not None
        rows, truth = self.validation
        own = {name: weight.detach().clone() for name, weight in self.weights.items()}
        self._put(self.average)
        self.network.eval()
        given = np.zeros(len(rows), dtype=np.intp)
        with torch.inference_mode(), self.autocast:
            for batch in by_length(rows, 32):
                given[batch] = self._logits(batch, rows).argmax(1).cpu().numpy()
        self._put(own)
        return float(f1_score(truth, given, average="macro", zero_division=0))

    def _put(self, values: Mapping[str, Tensor]) -> None:
        """Put values into the network's trained weights."""
        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.copy_(values[name])

    def _is_done(self) -> bool:
        return self.validation is not None and self.state.checks_without_gain >= self.recipe.patience

    def _headline(self) -> str:
        last = self.state.history[-1]
        score = f", validation macro-F1 {last['macro_f1']:.3f}" if "macro_f1" in last else ""
        return f"step {self.state.step}/{self.steps}, loss {last['loss']:.3f}{score}"

    def _groups(self) -> list[dict[str, Any]]:
        """Return the optimizer's groups: biases and norms are not decayed, the head has its own learning rate."""
        groups = []
        for in_head in (False, True):
            for decays in (False, True):
                chosen = [
                    weight
                    for name, weight in self.weights.items()
                    if name.startswith("head.") == in_head and (weight.ndim > 1) == decays
                ]
                peak = self.recipe.head_learning_rate if in_head else self.recipe.learning_rate
                decay = self.recipe.weight_decay if decays else 0.0
                if chosen:
                    groups.append({"params": chosen, "weight_decay": decay, "peak": peak, "lr": peak})
        return groups

    def _save(self) -> None:
        if self.checkpoint is None:
            return
        arrays: dict[str, npt.NDArray[Any]] = {}
        for name, weight in self.weights.items():
            moments = self.optimizer.state[weight]
            parts = {"weight": weight, "average": self.average[name], "best": self.best[name]}
            parts |= {"first": moments["exp_avg"], "second": moments["exp_avg_sq"]}
            arrays |= {f"{part}:{name}": tensor.detach().cpu().numpy() for part, tensor in parts.items()}
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        beside = self.checkpoint.with_suffix(".part")
        save_arrays(beside, arrays, {"fingerprint": self.fingerprint, "state": json.dumps(asdict(self.state))})
        beside.replace(self.checkpoint)

    def _resume(self) -> None:
        if self.checkpoint is None or not self.checkpoint.exists():
            return
        arrays, facts = load_arrays(self.checkpoint)
        if facts.get("fingerprint") != self.fingerprint:
            raise ModelError(
                f"{self.checkpoint} comes from another training (other data, config or seed); "
                "train without --resume to begin anew"
            )
        self.state = State(**json.loads(facts["state"]))
        self.best = {}
        with torch.no_grad():
            for name, weight in self.weights.items():
                part = {p: torch.from_numpy(arrays[f"{p}:{name}"]).to(self.device) for p in _PARTS}
                weight.copy_(part["weight"])
                self.average[name].copy_(part["average"])
                self.best[name] = part["best"]
                self.optimizer.state[weight] = {
                    "step": torch.tensor(float(self.state.step)),
                    "exp_avg": part["first"],
                    "exp_avg_sq": part["second"],
                }
        _log.info("going on from step %d of %d", self.state.step, self.steps)


_PARTS = ("weight", "average", "best", "first", "second")


def find_device() -> torch.device:
    """Return the best device there is: CUDA, Apple's MPS, or the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _autocast(precision: str, device: torch.device) -> torch.autocast:
    """Return the context of mixed precision; "auto" takes bf16 where the hardware computes in it."""
    able = device.type == "cuda" or (device.type == "cpu" and bool(torch.cpu._is_avx512_bf16_supported()))
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16" or (precision == "auto" and able))
