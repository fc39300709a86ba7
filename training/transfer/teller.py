"""What is told of a transfer run while it goes on."""

from collections.abc import Callable

from training.transfer.progress import TransferProgress
from training.transfer.score_tiles import batches_of_test
from training.transfer.setup import Setup
from training.transfer.tile_plan import plan_tile_epoch


class Teller:
    """Counts steps and test batches, and passes on where the run stands."""

    def __init__(self, setup: Setup, on_progress: Callable[[TransferProgress], None]) -> None:
        settings = setup.settings
        self._tell = on_progress
        self._epochs, self._repeats = settings.epochs, settings.seeds
        self._steps = len(
            plan_tile_epoch(
                setup.rows,
                tile_px=setup.train.tile_px,
                batch_size=settings.batch_size,
                augmentation=setup.augmentation,
                seed=settings.first_seed,
                epoch=0,
            )
        )
        self._tests = batches_of_test(setup)
        self._a_repeat = self._steps * self._epochs + self._tests
        self._repeat, self._seed = 0, settings.first_seed
        self._loss: float | None = None

    def begin(self, repeat: int, seed: int, *, kept: bool) -> None:
        """A repeat begins, or was finished before."""
        self._repeat, self._seed, self._loss = repeat, seed, None
        if kept:
            self.tested(self._tests)

    def stepped(self, epoch: int, steps: int, loss: float | None) -> None:
        """`steps` of an epoch, from 0, are done; `loss` is the mean of the epoch before."""
        self._loss = loss
        self._tell(
            TransferProgress(
                seed=self._seed,
                repeat=self._repeat + 1,
                repeats=self._repeats,
                stage="train",
                epoch=epoch + 1,
                epochs=self._epochs,
                done=steps,
                total=self._steps,
                loss=loss,
                steps_done=self._repeat * self._a_repeat + epoch * self._steps + steps,
                steps_total=self._repeats * self._a_repeat,
            )
        )

    def tested(self, batches: int) -> None:
        """`batches` of test tiles are done."""
        self._tell(
            TransferProgress(
                seed=self._seed,
                repeat=self._repeat + 1,
                repeats=self._repeats,
                stage="test",
                epoch=self._epochs,
                epochs=self._epochs,
                done=batches,
                total=self._tests,
                loss=self._loss,
                steps_done=self._repeat * self._a_repeat + self._epochs * self._steps + batches,
                steps_total=self._repeats * self._a_repeat,
            )
        )
