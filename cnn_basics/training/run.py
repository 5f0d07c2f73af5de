"""One training: the loop over epochs and batches."""

from __future__ import annotations

import time
from contextlib import ExitStack, nullcontext

import torch
from torch import nn

from cnn_basics.training.averaging import Average
from cnn_basics.training.best import Best
from cnn_basics.training.breaks import Breaks
from cnn_basics.training.data import Batches, Data, check_classes, check_data
from cnn_basics.training.devices import check_precision, choose_device, float_dtype
from cnn_basics.training.evaluation import score
from cnn_basics.training.history import History
from cnn_basics.training.layout import quickest_layout
from cnn_basics.training.optimizing import make_optimizer, scheduled_rate
from cnn_basics.training.processes import join_processes, local_device
from cnn_basics.training.progress import Progress
from cnn_basics.training.seeds import epoch_order, epoch_seed, own_chance, step_seed
from cnn_basics.training.settings import Callback, Settings
from cnn_basics.training.state import State
from cnn_basics.training.steps import Steps


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
        if settings.patience is not None and valid is None:
            raise ValueError(
                f"expected validation pictures for patience={settings.patience}, got none: give "
                "valid=(pictures, labels), or leave patience out"
            )
        self.model, self.settings = model, settings
        self.device = choose_device(local_device(settings.device))
        check_precision(settings.precision, self.device)
        model.to(self.device)
        self.train = self._put(train, "train")
        self.valid = None if valid is None else self._put(valid, "valid")
        self.processes = join_processes(self.device)
        self.best = None if settings.patience is None else Best(settings.patience)
        batches = -(-len(self.train) // settings.batch_size)
        self.state = State(model, History(), settings.epochs, batches)

    def run(self) -> History:
        """Train."""
        with ExitStack() as stack:
            stack.enter_context(own_chance(self.device))
            self._lay_out(stack)
            first = self._resume()
            shown = self.settings.progress and self.processes.first
            progress = stack.enter_context(Progress(self.state, shown))
            if first > 1 and first <= self.settings.epochs and self._tell(self.settings.on_epoch):
                self._stop("callback")
            else:
                self._epochs(first, progress)
            self._finish()
        return self.state.history

    def _lay_out(self, stack: ExitStack) -> None:
        """Bring weights and pictures into the order in memory that is quickest."""
        settings = self.settings
        last = stack.enter_context(quickest_layout(self.model, self.train.slice(0, 1)[0]))
        self.train = self.train.laid_out(last)
        self.valid = self.valid and self.valid.laid_out(last)
        network = self.processes.wrap(self.model)  # from here on all have the same weights
        self.average = None
        if settings.averaging is not None:
            self.average = Average(self.model, settings.averaging)
        self.optimizer = make_optimizer(
            settings.optimizer, self.model, settings.learning_rate, settings.weight_decay
        )
        self.steps = Steps(
            network, self.train, self.optimizer, settings, self.processes, self.average
        )

    def _resume(self) -> int:
        """Go on where a checkpoint left off; return the number of the epoch that comes next."""
        self.breaks = Breaks(self)
        return self.breaks.load() + 1

    def _epochs(self, first: int, progress: Progress) -> None:
        settings, state, history = self.settings, self.state, self.state.history
        for epoch in range(first, settings.epochs + 1):
            if history.stopped:  # for lack of patience, before the break
                break
            start = time.perf_counter()
            state.epoch, state.batch = epoch, 0
            if not self._epoch(progress):
                self._stop("callback")
                break
            if self._validate():
                self._stop("patience")
            history.seconds.append(time.perf_counter() - start)
            self.breaks.save()
            progress.epoch_done()
            if self._tell(settings.on_epoch) and not history.stopped:
                self._stop("callback")

    def _epoch(self, progress: Progress) -> bool:
        """Train with each picture once; return False if it was stopped."""
        settings, state = self.settings, self.state
        torch.manual_seed(epoch_seed(settings.seed, state.epoch))
        order = epoch_order(len(self.train), settings.seed, state.epoch).to(self.device)
        losses, right = torch.zeros(2, state.batches, device=self.device)
        self.model.train()
        for number, chosen in enumerate(order.split(settings.batch_size)):
            state.learning_rate = self._rate()
            seed = step_seed(settings.seed, state.step)
            state.batch += 1
            try:
                losses[number], right[number] = self.steps.step(chosen, state.learning_rate, seed)
            except FloatingPointError as error:
                self._explain(error)
            state.batch_loss = losses[number] / len(chosen)
            state.batch_accuracy = right[number] / len(chosen)
            progress.batch_done()
            if self._tell(settings.on_batch):
                return False
        self._note(losses.sum().item(), right.sum().item())
        return True

    def _rate(self) -> float:
        settings, steps = self.settings, self.state.epochs * self.state.batches
        return scheduled_rate(settings.schedule, settings.learning_rate, self.state.step, steps)

    def _explain(self, error: FloatingPointError) -> None:
        state, rate = self.state, self.settings.learning_rate / 10
        raise FloatingPointError(
            f"the loss became {error} in epoch {state.epoch}, batch {state.batch}: lower "
            f"learning_rate, for example to {rate:g}, or scale the pictures to 0…1"
        ) from None

    def _note(self, loss: float, right: float) -> None:
        """Write down what the epoch brought."""
        if loss != loss or loss == float("inf"):  # where no step looked, so as not to wait for it
            self._explain(FloatingPointError(loss))
        history = self.state.history
        history.train_loss.append(loss / len(self.train))
        history.train_accuracy.append(right / len(self.train))
        history.learning_rate.append(self.state.learning_rate)

    def _validate(self) -> bool:
        """Look at the validation pictures; return whether there is no more patience."""
        if self.valid is None:
            return False
        history = self.state.history
        with self.average.applied() if self.average else nullcontext():
            result = score(self.model, self.valid, 256)
            history.valid_loss.append(result.loss)
            history.valid_accuracy.append(result.accuracy)
            if self.best is None:
                return False
            enough = self.best.look(self.model, result.loss, self.state.epoch)
        history.best_epoch = self.best.epoch
        return self.processes.agree(enough and self.state.epoch < self.settings.epochs)

    def _finish(self) -> None:
        """Give the network the weights that it is to keep."""
        if self.average is not None:
            self.average.swap()
        if self.best is not None and self.state.history.reason != "callback":
            self.best.restore(self.model)

    def _tell(self, callback: Callback | None) -> bool:
        """Let the first process call back; return whether all are to stop."""
        state = self.state
        if self.processes.count == 1:
            return state.tell(callback)
        if callback is not None:
            flag = self.processes.first and state.tell(callback)
            state.stopping = self.processes.agree(flag)
        return state.stopping

    def _stop(self, reason: str) -> None:
        last = self.state.epoch == self.settings.epochs and self.state.batch == self.state.batches
        if not last:
            self.state.history.stopped, self.state.history.reason = True, reason

    def _put(self, data: Data, name: str) -> Batches:
        """Check data and put them on the device."""
        pair, dtype = check_data(data, name), float_dtype(self.model)
        batches = Batches.put(pair, self.device, dtype)
        check_classes(self.model, batches, name)
        return batches
