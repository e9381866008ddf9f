"""Write a synthetic data set to a folder in the TAO CenterPose format."""

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
from torch.utils.data import DataLoader, Dataset

from cpose.datasets.annotations.tao_writer import write_record
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.error_places import FilePlace
from cpose.errors import ConfigError, OutputError

FILE_STEM = 'cuboid_{:06d}'
WRITTEN_FILE = re.compile(r'cuboid_\d{6,}\.(jpg|json)')
"""Names of the files that `write_images` makes."""


def prepare_folder(folder: str | Path, force: bool) -> Path:
    """Create a folder, or make sure that nothing is in the way.

    Args:
        folder: Where to write.
        force: Accept a folder with content and remove from it what `write_images` once wrote;
            other files are left alone.

    Raises:
        OutputError: If the folder has content and ``force`` is not set, or cannot be made.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        content = [item for item in path.iterdir() if not item.name.startswith('.')]
    except OSError as error:
        raise OutputError(
            f'cannot be used as a folder: {error.strerror}',
            argument='out',
            place=FilePlace(path),
            advice='Give another one',
        ) from error
    if content and not force:
        raise OutputError(
            f'is not empty ({len(content)} entries)',
            argument='out',
            place=FilePlace(path),
            advice=(
                'Give a new folder',
                'Replace the images that an earlier run wrote there with {force}',
            ),
        )
    for item in content:
        if WRITTEN_FILE.fullmatch(item.name):
            item.unlink()
    return path


def write_images(dataset: SyntheticCuboidDataset, folder: Path, workers: int = 0) -> Iterator[str]:
    """Write all images and annotations and yield the path of each image when it is there.

    The files do not depend on the number of workers.

    Args:
        dataset: What to write.
        folder: Existing folder.
        workers: Number of processes, 0 for none but the own.

    Raises:
        ConfigError: If ``workers`` is negative.
        OutputError: If a file cannot be written.
    """
    if workers < 0:
        raise ConfigError('must be 0 or more', argument='workers', value=workers)
    return _write_with_one_thread(
        DataLoader(_RecordWriter(dataset, folder), batch_size=None, num_workers=workers)
    )


def _write_with_one_thread(loader: DataLoader[str]) -> Iterator[str]:
    """Run the loader while OpenCV has no threads.

    They must end before the worker processes are forked: a copy of a process with OpenCV's
    threads waits for ever as soon as it uses or changes them.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield from loader
    finally:
        cv2.setNumThreads(threads)


class _RecordWriter(Dataset[str]):
    """Writing as a side effect of reading, so that a data loader spreads it over processes."""

    def __init__(self, dataset: SyntheticCuboidDataset, folder: Path) -> None:
        self.dataset = dataset
        self.folder = folder

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> str:
        record = self.dataset.load_record(index)
        stem = FILE_STEM.format(self.dataset.image_number(index))
        return str(write_record(record, self.folder, stem, self.dataset.metainfo['category']))
