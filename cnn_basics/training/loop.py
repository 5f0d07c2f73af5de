"""The training loop: `fit` checks its arguments, `Training` runs the algorithm of lesson 9."""

from __future__ import annotations

import hashlib
import math
import os
import re
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, lr_scheduler
from torch.optim.swa_utils import AveragedModel
from tqdm.auto import tqdm

from cnn_basics.expect import describe, expect, number, whole
from cnn_basics.model import untouched
from cnn_basics.training import machine
from cnn_basics.training.evaluation import Batches, Data, put, score

OPTIMIZERS = {"sgd": SGD, "momentum": partial(SGD, momentum=0.9), "adam": Adam, "adamw": AdamW}
SCHEDULES = ("one_cycle", "cosine")
FREE = ("epochs", "device", "progress", "checkpoint", "on_batch", "on_epoch")  # may differ


@dataclass
class History:
    """Numbers of a training, one for each epoch that ended."""

    train_loss: list[float] = field(default_factory=list)  # mean of all pictures, each as it came
    train_accuracy: list[float] = field(default_factory=list)  # share told right, likewise
    valid_loss: list[float] = field(default_factory=list)  # after the epoch; empty without them
    valid_accuracy: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)  # of the last batch
    seconds: list[float] = field(default_factory=list)  # with validation
    stopped: bool = False  # before the last epoch
    reason: str = ""  # why: "patience" or "callback"
    best_epoch: int = 0  # from 1, whose weights the network has, if patience was given

    @property
    def epochs(self) -> int:
        """How many epochs ended."""
        return len(self.train_loss)

    def __repr__(self) -> str:
        plural = "" if self.epochs == 1 else "s"
        why = f", stopped by {self.reason}" if self.stopped else ""
        return f"<History: {self.epochs} epoch{plural}{why}>"


@dataclass
class State:
    """Where a training is: what a callback of `fit` is told."""

    model: nn.Module  # as it is now
    history: History  # the epochs that ended
    epochs: int  # how many there are to be
    batches: int  # in an epoch
    epoch: int = 1  # the number of this one
    batch: int = 0  # the number of the one that was just trained with, from 1
    learning_rate: float = 0.0  # of this batch
    stopping: bool = False
    batch_loss: Tensor | float = 0.0  # on its device, where looking at it means waiting

    @property
    def loss(self) -> float:
        """Mean loss of this batch."""
        return float(self.batch_loss)

    @property
    def step(self) -> int:
        """How many batches were trained with, in all epochs."""
        return (self.epoch - 1) * self.batches + self.batch

    @property
    def share(self) -> float:
        """How much of the training is done, 0 to 1."""
        return self.step / (self.epochs * self.batches)

    def stop(self) -> None:
        """Stop the training after this callback; the network stays as it is now."""
        self.stopping = True


Callback = Callable[[State], Any]


def fit(
    model: nn.Module,
    train: Data,
    valid: Data | None = None,
    epochs: int = 10,
    *,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    optimizer: str = "adam",
    weight_decay: float = 0.0,
    schedule: str | None = None,
    augment: Callable[[Tensor], Tensor] | None = None,
    label_smoothing: float = 0.0,
    precision: str = "float32",
    device: str | torch.device | None = None,
    seed: int = 0,
    progress: bool = True,
    patience: int | None = None,
    averaging: float | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    on_batch: Callback | None = None,
    on_epoch: Callback | None = None,
) -> History:
    """Train a network to tell classes of pictures apart, by the cross-entropy of its scores.

    Under `torchrun` all processes train one network together, each with its share of every batch,
    to the result of a single one, but for rounding, dropout, and batch norm (of its share). Only
    the first shows a bar, calls back and writes files.

    Args:
        model: Gives `(N, classes)` scores for `(N, C, H, W)` float pictures; it is changed.
        train: Pictures `(N, C, H, W)`, uint8 (scaled to 0…1) or float, and labels `(N,)` int64;
            class names may follow, as the loaders in `datasets` give them.
        valid: The same to look at after each epoch, never trained with; or None.
        epochs: How often each picture is trained with.
        batch_size: How many pictures make one step; the last batch may be smaller.
        learning_rate: Of the optimiser; its highest, with a schedule.
        optimizer: "sgd", "momentum" (0.9), "adam" or "adamw".
        weight_decay: As in `torch.optim`.
        schedule: "one_cycle" or "cosine": how the learning rate changes; None keeps it.
        augment: Changes the float pictures of each batch, `(N, C, H, W)` to the same.
        label_smoothing: As in `torch.nn.functional.cross_entropy`.
        precision: "float32", or "bf16" where the device computes with bfloat16.
        device: Such as "cpu", "cuda" or "mps"; None is the first there is of CUDA, MPS, CPU.
        seed: From which order, augmentation and dropout come; the same gives the same.
        progress: Whether to show a bar.
        patience: Stop after so many epochs without a lower validation loss; whether it stops or
            not, the network then has the weights with the lowest one. None never stops.
        averaging: Let the network have the running mean of its weights when it is validated and
            in the end: the share that is kept at each step, such as 0.99. None does not.
        checkpoint: A file. The training is kept there after each epoch; if the file is there
            already, it goes on from it, to the same result as without a break.
        on_batch: Called with a `State` after each batch; stops if it returns something true or
            calls `state.stop()`. The network stays as it then is.
        on_epoch: The same after each epoch, and before a training goes on from a checkpoint.

    Returns:
        A `History`.

    Raises:
        TypeError: An argument is of another type.
        ValueError: An argument is out of range, or the data do not fit the network.
        FloatingPointError: The loss is no longer finite.

    Example:
        >>> pictures = torch.tensor([[[[0.0, 1.0]]], [[[1.0, 0.0]]]])
        >>> model = nn.Sequential(nn.Flatten(), nn.Linear(2, 2))
        >>> data = (pictures, torch.tensor([0, 1]))
        >>> history = fit(model, data, epochs=100, learning_rate=0.1, progress=False)
        >>> history, history.train_accuracy[-1]
        (<History: 100 epochs>, 1.0)
    """
    return Training(check_options(dict(locals()))).run()


def check_options(options: dict[str, Any]) -> dict[str, Any]:
    """Refuse arguments of `fit` that are out of range; return them, numbers as Python's own."""
    right = dict(options)
    for name, usual in (("epochs", 10), ("batch_size", 64), ("patience", None)):
        if options[name] is not None or usual is not None:
            right[name] = whole(options[name], name, 1, f"write {name}={usual}")
    right["seed"] = machine.check_seed(options["seed"])
    for name, words, holds in (
        ("learning_rate", "a number above 0", lambda rate: 0 < rate < math.inf),
        ("weight_decay", "a number from 0", lambda decay: 0 <= decay < math.inf),
        ("label_smoothing", "a number from 0 to below 1", lambda share: 0 <= share < 1),
        ("averaging", "a number from 0 to below 1", lambda share: 0 <= share < 1),
    ):
        if options[name] is not None or name != "averaging":
            fix = "leave it out for the usual"
            right[name] = number(options[name], f"{name} as {words}", holds, fix)
    for name, known in (("optimizer", [*OPTIMIZERS]), ("schedule", [None, *SCHEDULES])):
        got, fix = repr(options[name]), f"write {name}={known[-2]!r}"
        expect(got in map(repr, known), f"{name} as one of {', '.join(map(str, known))}", got, fix)
    for name in ("augment", "on_batch", "on_epoch"):
        function, fix = options.get(name), f"write {name}=None, or the function without calling it"
        right_kind = function is None or callable(function)
        expect(right_kind, f"{name} as a function", function, fix, TypeError)
    if options["checkpoint"] is not None:
        right["checkpoint"] = machine.check_file(options["checkpoint"], "checkpoint")
    return right


class Training:
    """A training: the arguments of `fit`, and what changes while it runs."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options = SimpleNamespace(**options)
        what = f"validation pictures for patience={options.patience}"
        fix = "give valid=(pictures, labels), or leave patience out"
        expect(options.patience is None or options.valid is not None, what, "none", fix)
        self.model = options.model
        self.device = machine.choose_device(options.device)
        self.autocast = machine.autocast(options.precision, self.device)
        self.model.to(self.device)
        self.train = put(options.train, self.model, "train")
        self.valid = None if options.valid is None else put(options.valid, self.model, "valid")
        self.processes = machine.join_processes(self.device)
        self._check_smallest_batch()
        self.history, self.best, self.average = History(), {}, None
        batches = -(-len(self.train) // options.batch_size)
        self.state = State(self.model, self.history, options.epochs, batches)

    def run(self) -> History:
        """Train: each epoch goes once through all pictures, then looks at those for validation."""
        options, state, history = self.options, self.state, self.history
        quickest = machine.quickest_layout(self.model, self.train.first())
        with machine.own_chance(self.device, 0), quickest as layout:
            self._set_up(layout)
            done = self._resume()
            if 0 < done < options.epochs:
                self._tell(options.on_epoch)
            left = () if history.stopped else range(done + 1, options.epochs + 1)
            with self._show_bar(done) as bar:
                for state.epoch in left:
                    start = time.perf_counter()
                    self._train_epoch(bar)
                    if state.stopping:  # within the epoch
                        break
                    self._validate()
                    history.seconds.append(time.perf_counter() - start)
                    self._keep()
                    _tell_epoch(bar, state)
                    if self._tell(options.on_epoch) or history.stopped:
                        break
            self._finish()
        return history

    def _train_epoch(self, bar: tqdm) -> None:
        options, state = self.options, self.state
        seed = options.seed * 1_000_003 + state.epoch  # after a break an epoch draws the same
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(self.train), generator=generator).to(self.device)
        noted = torch.zeros(state.batches, 2, device=self.device)
        self.model.train()
        for state.batch, chosen in enumerate(order.split(options.batch_size), 1):
            pictures, labels, count = self._batch(chosen)
            self.optimizer.zero_grad()
            with self.autocast:
                scores = self.network(pictures)
                loss = F.cross_entropy(scores, labels, label_smoothing=options.label_smoothing)
            if loss.device.type == "cpu" and self.processes.count == 1:  # looking costs nothing
                self._check_finite(loss)
            # Processes take the mean of their gradients, so each weighs as its share does.
            (loss * (count * self.processes.count / len(chosen))).backward()
            self.optimizer.step()
            state.learning_rate = self.schedule.get_last_lr()[0]
            self.schedule.step()
            if self.average is not None:
                self.average.update_parameters(self.model)
            right = (scores.detach().argmax(dim=1) == labels).sum() * (count > 0)
            sums = torch.stack([loss.detach() * count, right.to(loss.dtype)])
            noted[state.batch - 1] = self.processes.add(sums)
            state.batch_loss = noted[state.batch - 1, 0] / len(chosen)
            if bar.update():  # it was drawn, as it is now and then
                bar.set_postfix_str(f"loss {state.loss:.3f}")
            if self._tell(options.on_batch):
                return
        loss, right = noted.sum(dim=0)
        self._check_finite(loss)
        self.history.train_loss.append(loss.item() / len(self.train))
        self.history.train_accuracy.append(right.item() / len(self.train))
        self.history.learning_rate.append(state.learning_rate)

    def _validate(self) -> None:
        """Look at the validation pictures; keep the best weights, and stop for lack of patience."""
        if self.valid is None:
            return
        judged = self.model if self.average is None else self.average.module
        result, history = score(judged, self.valid), self.history
        lowest = min(history.valid_loss, default=math.inf)
        history.valid_loss.append(result.loss)
        history.valid_accuracy.append(result.accuracy)
        if self.options.patience is None:
            return
        if result.loss < lowest:
            history.best_epoch = self.state.epoch
            self.best = {name: t.detach().clone() for name, t in judged.state_dict().items()}
        waited = self.state.epoch - history.best_epoch
        if self.processes.agree(waited >= self.options.patience):
            self._stop("patience")

    def _finish(self) -> None:
        self.optimizer.zero_grad()
        if self.best and self.history.reason != "callback":
            self.model.load_state_dict(self.best)
        elif self.average is not None:
            self.model.load_state_dict(self.average.module.state_dict())

    def _set_up(self, layout: torch.memory_format) -> None:
        """Make what a step needs, with weights and pictures in the quickest order in memory."""
        options = self.options
        for batches in filter(None, (self.train, self.valid)):
            batches.pictures = batches.pictures.contiguous(memory_format=layout)
        self.network = self.processes.wrap(self.model)  # from here on all have the same weights
        self.optimizer = make_optimizer(self.model, options)
        self.schedule = make_schedule(self.optimizer, options, options.epochs * self.state.batches)
        parts = {"model": self.model, "optimizer": self.optimizer, "schedule": self.schedule}
        if options.averaging is not None:
            settings = {"multi_avg_fn": self._move_mean, "use_buffers": True}
            self.average = parts["average"] = AveragedModel(self.model, **settings)
        self.parts = parts  # what a checkpoint keeps, with the history and the best weights

    def _batch(self, chosen: Tensor) -> tuple[Tensor, Tensor, int]:
        """Pick this process's pictures of a batch and their labels; say how many of them count."""
        share = self.processes.share(len(chosen))
        count = share.stop - share.start
        share = share if count else slice(0, 1)  # a stand-in, which does not count
        augment = self.options.augment
        if augment is None:
            return *self.train.pick(chosen[share]), count
        pictures, labels = self.train.pick(chosen)  # all, so that chance is that of one process
        seed = 2**50 + self.options.seed * 2**30 + self.state.step - 1  # none that an epoch has
        with machine.own_chance(self.device, seed), torch.no_grad():
            changed = augment(pictures)
        same = isinstance(changed, Tensor) and changed.dtype == pictures.dtype
        same = same and changed.ndim == 4 and changed.shape[:2] == pictures.shape[:2]
        what = f"augment to return {describe(pictures)} as it got it"
        expect(same, what, changed, "let it return a new tensor of the same shape")
        return changed[share], labels[share], count

    def _check_finite(self, loss: Tensor) -> None:
        rate, state = self.options.learning_rate / 10, self.state
        if not loss.isfinite():
            raise FloatingPointError(
                f"the loss became {loss.item()} in epoch {state.epoch}, batch {state.batch}: lower "
                f"learning_rate, for example to {rate:g}, or scale the pictures to 0…1"
            )

    def _check_smallest_batch(self) -> None:
        """Refuse a batch, or a share of one, of a single picture where batch norm needs more."""
        size, count = self.options.batch_size, len(self.train)
        if min(size, count, count % size or size) // self.processes.count > 1:
            return
        try:
            with untouched(self.model):
                self.model.train()(self.train.first())
        except ValueError as error:
            what = "at least 2 pictures in every batch and process, for batch norm"
            got = f"fewer with batch_size={size} and {count} pictures"
            fix = "choose a batch_size that leaves no single picture over"
            expect("more than 1 value per channel" not in str(error), what, got, fix)

    def _move_mean(self, means: list[Tensor], weights: list[Tensor], _count: Tensor) -> None:
        """Move the running means towards the weights, in the first steps by more."""
        kept = min(self.options.averaging, self.state.step / (9 + self.state.step))
        if means[0].is_floating_point():
            torch._foreach_lerp_(means, weights, 1 - kept)
        else:  # how many batches batch norm has seen
            torch._foreach_copy_(means, weights)

    def _tell(self, callback: Callback | None) -> bool:
        """Let the first process call back; return whether all are to stop."""
        if callback is not None:
            if self.processes.first and callback(self.state):
                self.state.stop()
            self.state.stopping = self.processes.agree(self.state.stopping)
        if self.state.stopping:
            self._stop("callback")
        return self.state.stopping

    def _stop(self, reason: str) -> None:
        over = self.state.step == self.state.epochs * self.state.batches
        if not over and not self.history.stopped:
            self.history.stopped, self.history.reason = True, reason

    def _keep(self) -> None:
        if self.options.checkpoint is not None and self.processes.first:
            content = {name: part.state_dict() for name, part in self.parts.items()}
            content |= {"format": machine.FORMAT, "training": self.words, "best": self.best}
            content |= {"history": asdict(self.history)}
            machine.write_whole(self.options.checkpoint, content)

    def _resume(self) -> int:
        """Go on from the checkpoint, if there is one; return how many epochs it holds."""
        path, epochs = self.options.checkpoint, self.options.epochs
        self.words = {} if path is None else self._describe()
        if path is None or not path.exists():
            return 0
        kept = machine.load_checkpoint(path)
        for name, now in self.words.items():
            was, what = kept["training"].get(name), "a checkpoint of this training"
            fix = "name another file, or delete this one to start anew"
            expect(was == now, f"{what}, with {name} {now}", f"{path} with {name} {was}", fix)
        done = len(kept["history"]["train_loss"])
        what, fix = f"as many epochs as {path} holds, {done}", f"write epochs={done} or more"
        expect(epochs >= done, what, epochs, f"{fix}, or name another file")
        vars(self.history).update(kept["history"])
        self.best = kept["best"]
        for name, part in self.parts.items():
            part.load_state_dict(kept[name])
        self.state.epoch, self.state.batch = done, self.state.batches
        self.processes.agree(True)  # that all have read it, before it is written again
        return done

    def _describe(self) -> dict[str, str]:
        """Put into words all that decides how a training goes on."""
        words = {
            name: re.sub(r" at 0x[0-9a-f]+", "", str(value))
            for name, value in vars(self.options).items()
            if name not in (*FREE, "model", "train", "valid")
        }
        shapes = (f"{name} {tuple(t.shape)}" for name, t in self.model.state_dict().items())
        words["model"] = f"{type(self.model).__name__} with {', '.join(shapes)}"
        words |= {"train": _fingerprint(self.train), "valid": _fingerprint(self.valid)}
        if self.options.schedule is not None:
            words["schedule"] += f" over {self.options.epochs} epochs"
        return words

    def _show_bar(self, done: int) -> tqdm:
        shown, batches = self.options.progress and self.processes.first, self.state.batches
        settings = {"unit": "batch", "file": sys.stderr, "disable": not shown}
        return tqdm(total=self.state.epochs * batches, initial=done * batches, **settings)


def _tell_epoch(bar: tqdm, state: State) -> None:
    history = state.history
    told = f"loss {history.train_loss[-1]:.3f}, accuracy {history.train_accuracy[-1]:.3f}"
    if history.valid_loss:
        told += f", valid {history.valid_loss[-1]:.3f}, {history.valid_accuracy[-1]:.3f}"
    bar.set_description(f"epoch {state.epoch}/{state.epochs}", refresh=False)
    bar.set_postfix_str(told)


def make_optimizer(model: nn.Module, options: SimpleNamespace) -> Optimizer:
    """Make the optimiser, fused (one pass over all weights) where the device can."""
    weights = [p for p in model.parameters() if p.requires_grad]
    fix = "call model.requires_grad_(True), or give it a layer with weights"
    expect(weights, "a network with weights to train", "none that requires a gradient", fix)
    fused = all(p.is_floating_point() and p.device.type in ("cpu", "cuda", "mps") for p in weights)
    settings = {"lr": options.learning_rate, "weight_decay": options.weight_decay, "fused": fused}
    return OPTIMIZERS[options.optimizer](weights, **settings)


def make_schedule(
    optimizer: Optimizer, options: SimpleNamespace, steps: int
) -> lr_scheduler.LRScheduler:
    """Make what changes the learning rate after each of so many steps."""
    if options.schedule == "one_cycle":
        rate, total = options.learning_rate, max(steps, 2)
        return lr_scheduler.OneCycleLR(optimizer, rate, total, cycle_momentum=False)
    if options.schedule == "cosine":
        return lr_scheduler.CosineAnnealingLR(optimizer, steps)
    return lr_scheduler.ConstantLR(optimizer, factor=1.0)


def _fingerprint(batches: Batches | None) -> str:
    """Tell pictures and labels by their bytes, in their order."""
    if batches is None:
        return "none"
    found = hashlib.blake2b(digest_size=8)
    for part in (batches.pictures, batches.labels):
        found.update(part.cpu().contiguous().flatten().view(torch.uint8).numpy())
    return f"{len(batches)} pictures (fingerprint {found.hexdigest()})"
