"""The training loop: `fit` checks its arguments, `Training` runs the algorithm of lesson 9."""

from __future__ import annotations

import hashlib
import inspect
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
from torch.optim import SGD, Adam, AdamW, lr_scheduler
from torch.optim.swa_utils import AveragedModel
from tqdm.auto import tqdm

from cnn_basics.expect import describe, expect, number, whole
from cnn_basics.model import untouched
from cnn_basics.training import machine
from cnn_basics.training.evaluation import Batches, Data, evaluate

OPTIMIZERS = {"sgd": SGD, "momentum": partial(SGD, momentum=0.9), "adam": Adam, "adamw": AdamW}
CHOICES = {
    "optimizer": tuple(OPTIMIZERS),
    "schedule": ("one_cycle", "cosine"),
    "precision": ("float32", "bf16"),
}
NUMBERS = {"label_smoothing": (0, 1), "averaging": (0, 1)}  # from and to
NUMBERS |= {"learning_rate": (1e-30, 1e30), "weight_decay": (0, 1e30)}
TOLD = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")  # by the bar
# What may differ when a training goes on:
FREE = ("epochs", "device", "autocast", "progress", "checkpoint", "on_batch", "on_epoch")


@dataclass
class History:
    """Numbers of a training, one for each epoch that ended."""

    train_loss: list[float] = field(default_factory=list)  # mean of all pictures, each as it came
    train_accuracy: list[float] = field(default_factory=list)  # share told right, likewise
    valid_loss: list[float] = field(default_factory=list)  # after the epoch; empty without them
    valid_accuracy: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)  # of the last batch
    seconds: list[float] = field(default_factory=list)  # with validation
    reason: str = ""  # why it stopped before the last epoch: "patience" or "callback"
    best_epoch: int = 0  # from 1, whose weights the network has, if patience was given

    @property
    def epochs(self) -> int:
        """How many epochs ended."""
        return len(self.train_loss)

    @property
    def stopped(self) -> bool:
        """Whether it stopped before the last epoch."""
        return self.reason != ""

    def __repr__(self) -> str:
        why = f", stopped by {self.reason}" if self.stopped else ""
        return f"<History: {self.epochs} epoch{'s' * (self.epochs != 1)}{why}>"


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
    on_batch: Callable[[Training], Any] | None = None,
    on_epoch: Callable[[Training], Any] | None = None,
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
        on_batch: Called with the `Training` after each batch; stops if it returns something true.
            The network stays as it then is.
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
    return Training(**check_options(dict(locals()))).run()


def check_options(options: dict[str, Any]) -> dict[str, Any]:
    """Refuse arguments of `fit` that are out of range; return them as PyTorch wants them."""
    right, usual = dict(options), inspect.signature(fit).parameters
    for name, value in options.items():
        if value is usual[name].default:
            continue
        if name in ("epochs", "batch_size", "patience", "seed"):
            right[name] = whole(value, name, 0 if name == "seed" else 1)
        elif name in NUMBERS:
            right[name] = number(value, name, *NUMBERS[name])
        elif name in CHOICES:
            what, fix = f"{name} as one of {', '.join(CHOICES[name])}", CHOICES[name][0]
            expect(value in CHOICES[name], what, repr(value), f'write {name}="{fix}"')
        elif name in ("augment", "on_batch", "on_epoch"):
            fix = "leave it out, or give the function without calling it"
            expect(callable(value), f"{name} as a function", value, fix, TypeError)
        elif name == "checkpoint":
            right[name] = machine.check_file(value, name)
    right["device"] = machine.choose_device(options["device"])
    right["autocast"] = machine.autocast(options["precision"], right["device"])
    return right


class Training:
    """A training: its state, which callbacks of `fit` are told, and the algorithm of lesson 9."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - those of fit
        self.options = options = SimpleNamespace(**options)
        what = f"validation pictures for patience={options.patience}"
        fix = "give valid=(pictures, labels), or leave patience out"
        expect(options.patience is None or options.valid is not None, what, "none", fix)
        self.model = options.model.to(options.device)  # as it is now
        self.train = Batches(options.train, self.model, "train")
        self.valid = None if options.valid is None else Batches(options.valid, self.model, "valid")
        self.processes = machine.join_processes(options.device)
        self._check_smallest_batch()
        self.history, self.best, self.average = History(), {}, None
        self.epochs = options.epochs  # how many there are to be
        self.batches = -(-len(self.train) // options.batch_size)  # in an epoch
        self.epoch, self.batch = 1, 0  # the numbers of this one and of the last, both from 1
        self.learning_rate = 0.0  # of this batch
        self.batch_loss = torch.zeros(())  # on its device, where looking at it means waiting
        self.stopping = False

    @property
    def loss(self) -> float:
        """Mean loss of this batch."""
        return self.batch_loss.item()

    @property
    def step(self) -> int:
        """How many batches were trained with, in all epochs."""
        return (self.epoch - 1) * self.batches + self.batch

    def run(self) -> History:
        """Train: each epoch goes once through all pictures, then looks at those for validation."""
        options, history = self.options, self.history
        machine.release_memory()
        quickest = machine.quickest_layout(self.model, self.train.first())
        with machine.own_chance(options.device, 0), quickest as layout:
            self._set_up(layout)
            done = self._resume()
            if 0 < done < self.epochs:
                self._tell(options.on_epoch)
            left = () if history.stopped else range(done + 1, self.epochs + 1)
            settings = {"total": self.epochs * self.batches, "initial": done * self.batches}
            settings |= {"disable": not options.progress or self.processes.rank > 0}
            with tqdm(**settings, unit="batch", file=sys.stderr) as bar:
                for self.epoch in left:
                    start = time.perf_counter()
                    self._train_epoch(bar)
                    if self.stopping:  # within the epoch
                        break
                    self._validate()
                    history.seconds.append(time.perf_counter() - start)
                    self._keep()
                    bar.set_description(f"epoch {self.epoch}/{self.epochs}", refresh=False)
                    told = [name for name in TOLD if getattr(history, name)]
                    bar.set_postfix({name: getattr(history, name)[-1] for name in told})
                    if self._tell(options.on_epoch) or history.stopped:
                        break
            self.optimizer.zero_grad()
            if self.best and history.reason != "callback":
                self.model.load_state_dict(self.best)
            elif self.average is not None:
                self.model.load_state_dict(self.average.module.state_dict())
        machine.release_memory()
        return history

    def _train_epoch(self, bar: tqdm) -> None:
        options = self.options
        # A seed for each epoch: after a break it draws the same.
        seed = (options.seed * 1_000_003 + self.epoch) % 2**63
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        order = torch.randperm(len(self.train), generator=generator).to(options.device)
        noted = torch.zeros(self.batches, 2, device=options.device)
        self.model.train()
        for self.batch, chosen in enumerate(order.split(options.batch_size), 1):
            pictures, labels, count = self._batch(chosen)
            self.optimizer.zero_grad()
            with options.autocast:
                scores = self.network(pictures)
                loss = F.cross_entropy(scores, labels, label_smoothing=options.label_smoothing)
            if loss.device.type == "cpu" and self.processes.count == 1:  # looking costs nothing
                self._check_finite(loss)
            # Processes take the mean of their gradients, so each weighs as its share does.
            (loss * (count * self.processes.count / len(chosen))).backward()
            self.optimizer.step()
            self.learning_rate = self.schedule.get_last_lr()[0]
            self.schedule.step()
            if self.average is not None:
                self.average.update_parameters(self.model)
            right = (scores.detach().argmax(dim=1) == labels).sum() * (count > 0)
            sums = torch.stack([loss.detach() * count, right.to(loss.dtype)])
            noted[self.batch - 1] = self.processes.add(sums)
            self.batch_loss = noted[self.batch - 1, 0] / len(chosen)
            if bar.update():  # it was drawn, as it is now and then
                bar.set_postfix_str(f"loss {self.loss:.3f}")
            if self._tell(options.on_batch):
                return
        loss, right = noted.sum(dim=0)
        self._check_finite(loss)
        self.history.train_loss.append(loss.item() / len(self.train))
        self.history.train_accuracy.append(right.item() / len(self.train))
        self.history.learning_rate.append(self.learning_rate)

    def _validate(self) -> None:
        """Look at the validation pictures; keep the best weights, and stop for lack of patience."""
        if self.valid is None:
            return
        judged = self.model if self.average is None else self.average.module
        result, history = evaluate(judged, self.valid), self.history
        lowest = min(history.valid_loss, default=math.inf)
        history.valid_loss.append(result.loss)
        history.valid_accuracy.append(result.accuracy)
        if self.options.patience is None:
            return
        if result.loss < lowest:
            history.best_epoch = self.epoch
            self.best = {name: t.detach().clone() for name, t in judged.state_dict().items()}
        waited = self.epoch - history.best_epoch
        if self.processes.agree(waited >= self.options.patience):
            self._stop("patience")

    def _set_up(self, layout: torch.memory_format) -> None:
        """Make what a step needs, with weights and pictures in the quickest order in memory."""
        options, steps = self.options, self.options.epochs * self.batches
        for batches in filter(None, (self.train, self.valid)):
            batches.layout = layout
        self.network = self.processes.wrap(self.model)  # from here on all have the same weights
        weights = [p for p in self.model.parameters() if p.requires_grad]
        fix = "call model.requires_grad_(True), or give it a layer with weights"
        expect(weights, "a network with weights to train", "none that requires a gradient", fix)
        # Fused, it goes once over all weights, where the device can.
        can = (p.is_floating_point() and p.device.type in ("cpu", "cuda", "mps") for p in weights)
        given = {"lr": options.learning_rate, "weight_decay": options.weight_decay}
        self.optimizer = OPTIMIZERS[options.optimizer](weights, **given, fused=all(can))
        if options.schedule == "one_cycle":
            rate, total = options.learning_rate, max(steps, 2)
            self.schedule = lr_scheduler.OneCycleLR(
                self.optimizer, rate, total, cycle_momentum=False
            )
        elif options.schedule == "cosine":
            self.schedule = lr_scheduler.CosineAnnealingLR(self.optimizer, steps)
        else:
            self.schedule = lr_scheduler.ConstantLR(self.optimizer, factor=1.0)
        # What a checkpoint keeps, with the history and the best weights:
        self.parts = {"model": self.model, "optimizer": self.optimizer, "schedule": self.schedule}
        if options.averaging is not None:
            settings = {"multi_avg_fn": self._move_mean, "use_buffers": True}
            self.average = self.parts["average"] = AveragedModel(self.model, **settings)

    def _batch(self, chosen: Tensor) -> tuple[Tensor, Tensor, int]:
        """Pick this process's pictures of a batch and their labels; say how many of them count."""
        share, augment = self.processes.share, self.options.augment
        if augment is None:
            pictures, labels = self.train.pick(share(chosen))
        else:
            given, labels = self.train.pick(chosen)  # all, so that chance is that of one process
            seed = 2**50 + self.options.seed * 2**30 + self.step - 1  # none of an epoch's
            with machine.own_chance(self.options.device, seed), torch.no_grad():
                changed = augment(given)
            same = isinstance(changed, Tensor) and changed.dtype == given.dtype
            same = same and changed.ndim == 4 and changed.shape[:2] == given.shape[:2]
            what = f"augment to return {describe(given)} as it got it"
            expect(same, what, changed, "let it return a new tensor of the same shape")
            pictures, labels = share(changed), share(labels)
        count = len(labels) if self.processes.rank < len(chosen) else 0  # 0 for a stand-in
        return pictures, labels, count

    def _check_finite(self, loss: Tensor) -> None:
        rate = self.options.learning_rate / 10
        if not loss.isfinite():
            raise FloatingPointError(
                f"the loss became {loss.item()} in epoch {self.epoch}, batch {self.batch}: lower "
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
        kept = min(self.options.averaging, self.step / (9 + self.step))
        if means[0].is_floating_point():
            torch._foreach_lerp_(means, weights, 1 - kept)
        else:  # how many batches batch norm has seen
            torch._foreach_copy_(means, weights)

    def _tell(self, callback: Callable[[Training], Any] | None) -> bool:
        """Let the first process call back; return whether all are to stop."""
        if callback is not None:
            says_so = self.processes.rank == 0 and bool(callback(self))
            self.stopping = self.processes.agree(says_so)
        if self.stopping:
            self._stop("callback")
        return self.stopping

    def _stop(self, reason: str) -> None:
        if self.step < self.epochs * self.batches:  # else it was over anyway
            self.history.reason = self.history.reason or reason

    def _keep(self) -> None:
        if self.options.checkpoint is not None and self.processes.rank == 0:
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
        self.epoch, self.batch = done, self.batches
        self.processes.agree(True)  # that all have read it, before it is written again
        return done

    def _describe(self) -> dict[str, str]:
        """Put into words all that decides how a training goes on."""
        given = vars(self.options).items()
        words = {k: re.sub(r" at 0x\w+", "", str(v)) for k, v in given if k not in FREE}
        if self.options.schedule is not None:
            words["schedule"] += f" over {self.options.epochs} epochs"
        shapes = (f"{name} {tuple(t.shape)}" for name, t in self.model.state_dict().items())
        words["model"] = f"{type(self.model).__name__} with {', '.join(shapes)}"
        for name, batches in (("train", self.train), ("valid", self.valid)):
            seen = hashlib.blake2b(digest_size=8)  # of all bytes, in their order
            for part in (batches.pictures, batches.labels) if batches else ():
                seen.update(part.cpu().contiguous().flatten().view(torch.uint8).numpy())
            words[name] = f"{len(batches or ())} pictures (fingerprint {seen.hexdigest()})"
        return words
