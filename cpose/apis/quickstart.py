"""The first run: look at what the shipped model finds, then train one on synthetic boxes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cpose.apis.config.load import load_config
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.apis.inference.folder_inference import infer_to_folder
from cpose.apis.inference.inference_parts import find_drawer
from cpose.apis.inference.result_writer import ResultWriter
from cpose.apis.training import evaluate, train
from cpose.datasets.annotations.tao_writer import write_record
from cpose.datasets.image_reading import read_image
from cpose.datasets.synthetic_cuboid_dataset import SyntheticCuboidDataset
from cpose.error_places import FilePlace
from cpose.errors import OutputError, TrainingError, unwritable
from cpose.evaluation.curve_plot import plot_curves
from cpose.evaluation.report import write_metrics_json
from cpose.files.atomic import try_folder
from cpose.visualization.pictures import picture_grid, write_picture

SHIPPED_MODEL = 'cuboid'
FIRST_LOOK, TRAIN_FOLDER = 'first_look', 'train'
OVERVIEW = 'overview.jpg'
NUM_PICTURES = 12
PICTURE_WH = (480, 480)
PICTURE_SEED = 3003
"""Another seed than those of training, validation and test."""


@dataclass(frozen=True)
class QuickstartResult:
    """What the first run leaves behind.

    Attributes:
        report: All numbers of the evaluation, see `cpose.evaluation.score_report.build_report`.
        checkpoint: The trained model, which carries its config.
        pictures: Pictures with the poses found, one per image.
        overview: All pictures in one.
    """

    report: Mapping[str, Any]
    checkpoint: Path
    pictures: list[Path]
    overview: Path


def show_model(name: str | Path, out: str | Path, force: bool = False) -> Path:
    """Draw what a model finds in pictures like those of its test set, which it never saw.

    Writes to ``out/first_look``: ``images/`` (pictures with annotations in the TAO format),
    ``json/``, ``vis/`` and ``overview.jpg``.

    Args:
        name: Model of the zoo, a location or a file, trained on a `SyntheticCuboidDataset`.
        out: Folder of everything.
        force: Whether the folder may hold other things.

    Returns:
        All pictures in one.

    Raises:
        UserError: If something is wrong or cannot be written.
    """
    _check_folder(Path(out), force)
    folder = Path(out) / FIRST_LOOK
    inferencer = CenterPoseInferencer(model=name)
    dataset = inferencer.cfg.test_dataloader.dataset
    draw_poses(inferencer, write_held_out_images(folder / 'images', dataset.get('realism')), folder)
    return folder / OVERVIEW


def run_quickstart(
    out: str | Path,
    config: str,
    options: Mapping[str, Any] | None = None,
    force: bool = False,
) -> QuickstartResult:
    """Train, evaluate on held-out seeds, and draw pictures of more held-out images.

    Writes to ``out``: ``train/`` (checkpoints and logs), ``metrics.json``, ``curves.png``,
    ``images/`` (held-out pictures with annotations in the TAO format), ``json/``, ``vis/`` and
    ``overview.jpg``. A run that was interrupted continues.

    Args:
        out: Folder of everything.
        config: Config of a `SyntheticCuboidDataset`.
        options: Overrides of the config.
        force: Accept a folder with other content; files of the names above are replaced.

    Raises:
        UserError: If something is wrong or cannot be written.
    """
    folder = Path(out)
    _check_folder(folder, force)
    runner = train(config, folder / TRAIN_FOLDER, resume='auto', options=options)
    if runner.last_checkpoint is None:
        raise TrainingError(
            'holds no checkpoint after the training', place=FilePlace(folder / TRAIN_FOLDER)
        )
    checkpoint = Path(runner.last_checkpoint)
    report = evaluate('-', checkpoint, work_dir=folder / 'test')
    write_metrics_json(folder / 'metrics.json', report)
    plot_curves(report, folder / 'curves.png', title='Boxes never seen in training')
    realism = load_config(config, options).test_dataloader.dataset.get('realism')
    images = write_held_out_images(folder / 'images', realism)
    pictures = draw_poses(CenterPoseInferencer(None, checkpoint), images, folder)
    return QuickstartResult(report, checkpoint, pictures, folder / OVERVIEW)


def _check_folder(folder: Path, force: bool) -> None:
    is_full = folder.is_dir() and any(folder.iterdir())
    is_ours = any((folder / name).is_dir() for name in (FIRST_LOOK, TRAIN_FOLDER))
    if is_full and not (is_ours or force):
        raise OutputError(
            'is not empty, and no earlier quickstart wrote there',
            argument='out',
            place=FilePlace(folder),
            advice=('Choose another {out}', 'Use it by {force}'),
        )
    try:
        try_folder(folder)
    except OSError as error:
        raise unwritable(folder, error, 'Choose another {out}', 'out') from error


def write_held_out_images(folder: Path, realism: Mapping[str, Any] | None) -> list[Path]:
    """Write pictures like those of a test set, larger, of another seed; return their files."""
    pictures = SyntheticCuboidDataset(
        NUM_PICTURES, image_wh=PICTURE_WH, seed=PICTURE_SEED, realism=realism
    )
    folder.mkdir(parents=True, exist_ok=True)
    return [
        write_record(pictures.load_record(number), folder, f'{number:03d}', ('cuboid',))
        for number in range(NUM_PICTURES)
    ]


def draw_poses(inferencer: CenterPoseInferencer, images: list[Path], out: Path) -> list[Path]:
    """Infer on images; write results to ``out``, and the pictures side by side in one."""
    drawer = find_drawer(inferencer.visualizer, inferencer.categories)
    writer = ResultWriter(out, 'opencv', inferencer.categories, drawer, True)
    infer_to_folder(inferencer, images, writer)
    pictures = [out / 'vis' / image.name for image in images]
    grid = picture_grid([read_image(str(path)) for path in pictures], columns=4)
    write_picture(out / OVERVIEW, grid)
    return pictures
