"""One training: the loop over epochs and batches."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cnn_basics.training.data import Batches, Data, check_classes, check_data
from cnn_basics.training.devices import autocast, check_precision, choose_device, float_dtype
from cnn_basics.training.evaluation import score
from cnn_basics.training.history import History
from cnn_basics.training.optimizing import make_optimizer, scheduled_rate, set_rate
from cnn_basics.training.progress import Progress
from cnn_basics.training.seeds import epoch_order, epoch_seed
from cnn_basics.training.settings import Settings
from cnn_basics.training.state import State


class Training:
    """A training that is about to run.

    Args:
        model: The network; moved to the device, and changed.
        train: The training pictures and their labels.
        valid: The validation pictures and their labels, or None.
        settings: Everything else.
    """

    def __init__(
        self, model: nn.Module, train: Data, valid: Data | None, settings: Settings
    ) -> None:
        self.model, self.settings = model, settings
        self.device = choose_device(settings.device)
        check_precision(settings.precision, self.device)
        model.to(self.device)
        self.train = self._put(train, "train")
        self.valid = None if valid is None else self._put(valid, "valid")
        self.optimizer = make_optimizer(
            settings.optimizer, model, settings.learning_rate, settings.weight_decay
        )
        batches = -(-len(self.train) // settings.batch_size)
        self.state = State(model, History(), settings.epochs, batches)

    def run(self) -> History:
        """Train."""
        settings, state = self.settings, self.state
        with _own_chance(self.device), Progress(state, settings.progress) as progress:
            for epoch in range(1, settings.epochs + 1):
                start = time.perf_counter()
                state.epoch, state.batch = epoch, 0
                if not self._epoch(progress):
                    self._stop("callback")
                    break
                state.history.seconds.append(time.perf_counter() - start)
                progress.epoch_done()
                if state.tell(settings.on_epoch):
                    self._stop("callback")
                    break
        return state.history

    def _stop(self, reason: str) -> None:
        last = self.state.epoch == self.settings.epochs and self.state.batch == self.state.batches
        if not last:
            self.state.history.stopped, self.state.history.reason = True, reason

    def _epoch(self, progress: Progress) -> bool:
        """Train with each picture once, then validate; return False if it was stopped."""
        settings, state = self.settings, self.state
        torch.manual_seed(epoch_seed(settings.seed, state.epoch))
        order = epoch_order(len(self.train), settings.seed, state.epoch).to(self.device)
        losses, right = torch.zeros(2, state.batches, device=self.device)
        self.model.train()
        for number, chosen in enumerate(order.split(settings.batch_size)):
            loss, hits = self._batch(chosen)
            losses[number], right[number] = loss * len(chosen), hits
            state.batch_loss, state.batch_accuracy = loss, hits / len(chosen)
            progress.batch_done()
            if state.tell(settings.on_batch):
                return False
        self._note(losses, right)
        return True

    def _batch(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Make one step; return the mean loss and how many were told right."""
        settings, state = self.settings, self.state
        pictures, labels = self.train.pick(chosen)
        steps = state.epochs * state.batches
        state.learning_rate = scheduled_rate(
            settings.schedule, settings.learning_rate, state.step, steps
        )
        set_rate(self.optimizer, state.learning_rate)
        state.batch += 1
        if settings.augment is not None:
            pictures = settings.augment(pictures)
        with autocast(settings.precision, self.device):
            scores = self.model(pictures)
            loss = F.cross_entropy(scores, labels, label_smoothing=settings.label_smoothing)
        self._check_finite(loss)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.detach(), (scores.argmax(dim=1) == labels).sum()

    def _check_finite(self, loss: Tensor) -> None:
        if not loss.isfinite():
            raise FloatingPointError(
                f"the loss became {loss.item()} in epoch {self.state.epoch}, batch "
                f"{self.state.batch}: lower learning_rate, for example to "
                f"{self.settings.learning_rate / 10:g}, or scale the pictures to 0…1"
            )

    def _note(self, losses: Tensor, right: Tensor) -> None:
        """Write down what the epoch brought."""
        history = self.state.history
        history.train_loss.append(losses.sum().item() / len(self.train))
        history.train_accuracy.append(right.sum().item() / len(self.train))
        history.learning_rate.append(self.state.learning_rate)
        if self.valid is not None:
            result = score(self.model, self.valid, 256)
            history.valid_loss.append(result.loss)
            history.valid_accuracy.append(result.accuracy)

    def _put(self, data: Data, name: str) -> Batches:
        """Check data and put them on the device, as the network wants them."""
        pair, dtype = check_data(data, name), float_dtype(self.model)
        batches = Batches.put(pair, self.device, dtype)
        check_classes(self.model, batches, name)
        return batches


@contextmanager
def _own_chance(device: torch.device) -> Iterator[None]:
    """Leave the random numbers of the caller as they were."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        yield
