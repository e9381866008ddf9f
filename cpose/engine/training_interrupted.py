"""What ends a training that the user or the system stopped."""


class TrainingInterruptedError(Exception):
    """Training was stopped by a signal after saving.

    Args:
        signal_number: 2 for Ctrl-C, 15 for a request to end.
        iteration: Complete iterations.
        checkpoint: What to resume from.
    """

    def __init__(self, signal_number: int, iteration: int, checkpoint: str) -> None:
        super().__init__(f'Training stopped after iteration {iteration}, saved {checkpoint}')
        self.signal_number = signal_number
        self.iteration = iteration
        self.checkpoint = checkpoint

    @property
    def exit_code(self) -> int:
        """Exit code by the convention of shells."""
        return 128 + self.signal_number
