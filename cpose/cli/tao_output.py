"""What ``cpose tao`` prints at the end of a task."""

from pathlib import Path
from typing import Any

from rich.console import Console

from cpose.evaluation.report import build_table


def show_result(task: str, result: Any, folder: Path) -> None:
    """Print the result of a task.

    Args:
        task: One of `cpose.tao.TASKS`.
        result: What its function returned.
        folder: Where its results are.
    """
    console = Console()
    if task == 'evaluate':
        console.print(build_table(result, title=str(folder)))
    elif task == 'inference':
        for message in result.skipped:
            console.print(f'Left out: {message}', soft_wrap=True, highlight=False, markup=False)
        console.file.write(
            f'{result.images} images, {result.objects} objects, {result.poses} with pose, '
            f'{len(result.skipped)} left out: {folder}\n'
        )
    elif task == 'train':
        console.file.write(f'Trained: {result.checkpoint or "a dry run, nothing saved"}\n')
    else:
        console.file.write(f'Written: {result}\n')
    console.file.write('Execution status: PASS\n')
