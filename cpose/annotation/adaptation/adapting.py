"""Adapt a model to annotated photographs, and tell by held-out ones whether it became better."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.logging import print_log

from cpose.annotation.adaptation.before_after import write_sheet
from cpose.annotation.adaptation.candidates import (
    BEFORE,
    Candidate,
    adapted,
    as_it_was,
    choose,
    judge,
)
from cpose.annotation.adaptation.division import (
    Division,
    copy_pictures,
    divide,
    photographs_of,
    read_division,
    write_division,
)
from cpose.annotation.adaptation.training_config import (
    CHOICE,
    AdaptRecipe,
    build_overlay,
    write_overlay,
)
from cpose.apis.builder import resolve_config
from cpose.apis.config.reading import PACKAGE_PREFIX
from cpose.apis.conversion import convert_checkpoint
from cpose.apis.conversion_config import ConfigChoice
from cpose.apis.inference.inference_parts import find_metainfo
from cpose.apis.runtime_files import is_runtime_file
from cpose.apis.training import train
from cpose.apis.zoo_files import resolve_model
from cpose.checkpoints.checkpoint_file import load_checkpoint_file
from cpose.checkpoints.stored_config import CONFIG_KEY
from cpose.engine.written_config import WrittenConfig
from cpose.error_places import FilePlace
from cpose.errors import CheckpointError, ConfigError, OutputError, TrainingError, unwritable
from cpose.evaluation.metric_table import PRIMARY_NUMBER
from cpose.files.atomic import try_folder, write_text_atomic
from cpose.files.json_files import write_json
from cpose.files.outputs import check_outside, note_input, outputs_guarded
from cpose.shipped_configs import configs_root

CONFIG_FILE, BASE_FILE, DIVISION_FILE = 'adapt.py', 'model_config.py', 'split.json'
PHOTOS, TRAIN_FOLDER = 'photos', 'train'
BEFORE_FILE, AFTER_FILE, SUMMARY_FILE = 'before.json', 'after.json', 'adapt.json'
SHEET_FILE, MODEL_FILE = 'before_after.jpg', 'model.safetensors'


@dataclass(frozen=True)
class Wishes:
    """What somebody wants to adapt a model to.

    Attributes:
        folder: Annotated photographs.
        model: Name of the zoo, location or file, see `resolve_model`.
        val: Folder of photographs to hold out, or their share of ``folder``.
        category: See `divide`.
        symmetry: See `divide`.
        recipe: How to train.
        free_sizes: Whether to let the model guess proportions though those of the objects are few.
    """

    folder: str
    model: str
    val: str | float = 0.2
    category: str | None = None
    symmetry: str | None = None
    recipe: AdaptRecipe = field(default_factory=AdaptRecipe)
    free_sizes: bool = False

    def asked(self, weights: Path) -> dict[str, Any]:
        """Return what a run that goes on must have begun with, by argument.

        Args:
            weights: File of the model.
        """
        return {
            'folder': str(Path(self.folder).resolve()),
            'model': str(weights.resolve()),
            'val': str(Path(self.val).resolve()) if isinstance(self.val, str) else self.val,
            'category': self.category,
            'symmetry': self.symmetry,
            'size': self.recipe.side,
            'synthetic': self.recipe.synthetic,
            'free_sizes': self.free_sizes,
            'seed': self.recipe.seed,
        }


@dataclass(frozen=True)
class AdaptResult:
    """What an adaptation leaves behind.

    Attributes:
        before: Report on the held-out photographs, see `build_report`.
        after: The same of the best of the adapted models.
        chosen: Name of the candidate that is kept, see `Candidate`.
        model: That one, with the config of the adaptation.
        sheet: Annotation, before and after side by side.
        division: What was trained on and what was held out.
        seconds: Of training, in this call.
        candidates: What was chosen among.
    """

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    chosen: str
    model: Path
    sheet: Path
    division: Division
    seconds: float
    candidates: Sequence[Candidate] = ()

    @property
    def is_better(self) -> bool:
        """Whether an adapted model is better than the one before, by `CHOICE`."""
        return self.chosen != BEFORE


@outputs_guarded()
def adapt(wishes: Wishes, out: str | Path, resume: bool = False) -> AdaptResult:
    """Divide photographs, train on one part, judge by the other, and keep the better model.

    Writes to ``out``: ``split.json`` and ``photos/`` (copies, so that the folder stands for
    itself), ``adapt.py`` (the config, which `cpose train` takes), ``train/``, ``before.json``,
    ``after.json``, ``adapt.json``, ``before_after.jpg`` and ``model.safetensors``.

    Args:
        wishes: What to adapt to what.
        out: New or empty folder.
        resume: Go on with an interrupted adaptation in ``out``.

    Raises:
        UserError: If the model, the data or an option is wrong, or something cannot be written.
        TrainingInterruptedError: After a signal; a checkpoint is saved.
    """
    folder = Path(out)
    check_outside(folder, wishes.folder, *([wishes.val] if isinstance(wishes.val, str) else []))
    start = _find_base(wishes.model)
    division = _divide(wishes, folder, start, resume)
    config = _write_inputs(wishes, folder, start, division)
    before = judge(config, as_it_was(start.config, start.weights), folder)
    write_json(folder / BEFORE_FILE, before.report)
    began = time.perf_counter()
    trained = _train(config, folder / TRAIN_FOLDER)
    seconds = time.perf_counter() - began
    others = list(adapted(config, start.weights, trained, bool(division.proportions)))
    after = choose([judge(config, item, folder) for item in others])
    write_json(folder / AFTER_FILE, after.report)
    chosen = max(before, after, key=lambda item: item.rank)
    choice = ConfigChoice(config=config, options=chosen.candidate.options)
    convert_checkpoint(chosen.candidate.weights, folder / MODEL_FILE, choice, force=True)
    write_sheet(folder / SHEET_FILE, config, [before.candidate, after.candidate])
    result = AdaptResult(
        before.report,
        after.report,
        chosen.candidate.name,
        folder / MODEL_FILE,
        folder / SHEET_FILE,
        division,
        seconds,
        [before.candidate, *others],
    )
    _write_summary(folder / SUMMARY_FILE, wishes, result)
    return result


class _Start(NamedTuple):
    """What is adapted.

    Attributes:
        weights: Its file.
        config: Its config.
        config_name: What `load_config` finds the config by; empty if it is in the file.
    """

    weights: Path
    config: Config
    config_name: str


def _find_base(model: str) -> _Start:
    """Return weights and config of a model.

    Raises:
        CheckpointError: If it has no weights to train, or carries no config.
    """
    found = resolve_model(model)
    if is_runtime_file(found.path):
        raise CheckpointError(
            'is a network to run, and cannot be trained',
            argument='model',
            place=FilePlace(found.path),
            advice='Give the weights that it was exported from',
        )
    note_input(found.path)
    if found.config is None:
        _check_config_inside(found.path)
    config = resolve_config(found.config, found.path)
    name = ''
    if config.filename and Path(config.filename).is_relative_to(configs_root().resolve()):
        name = f'{PACKAGE_PREFIX}{Path(config.filename).relative_to(configs_root().resolve())}'
    return _Start(found.path, config, name)


def _check_config_inside(path: Path) -> None:
    """Refuse weights alone.

    Raises:
        CheckpointError: If a checkpoint carries no config.
    """
    if CONFIG_KEY not in (load_checkpoint_file(path).get('meta') or {}):
        raise CheckpointError(
            'carries no config',
            argument='model',
            place=FilePlace(path),
            advice='Write it with its config to a .safetensors file by `cpose convert`',
        )


def _divide(wishes: Wishes, folder: Path, start: _Start, resume: bool) -> Division:
    """Return the division, the one of the interrupted run if there is one.

    Raises:
        OutputError: If the folder has other content.
        ConfigError: If the interrupted run began with other wishes.
    """
    file = folder / DIVISION_FILE
    asked = wishes.asked(start.weights)
    if resume and file.is_file():
        return _same_wishes(read_division(file), asked, file)
    if folder.is_dir() and any(folder.iterdir()):
        hints = ('Go on with it by {resume}',) if file.is_file() else ()
        raise OutputError(
            'is not empty',
            argument='out',
            place=FilePlace(folder),
            advice=('Choose another {out}', *hints),
        )
    division = divide(
        wishes.folder,
        wishes.val,
        {key: list(value) for key, value in find_metainfo(start.config).items()},
        wishes.category,
        wishes.symmetry,
        wishes.recipe.seed,
    )
    if division.left_out:  # before minutes of training, too
        print_log(f'Left out:\n{division.left_out}', logger='current', level=logging.WARNING)
    sizes = [] if wishes.free_sizes else division.proportions
    return replace(division, proportions=sizes, asked=asked)


def _same_wishes(division: Division, asked: Mapping[str, Any], file: Path) -> Division:
    """Return the division of an interrupted run if it began with the same wishes.

    Raises:
        ConfigError: Naming the first that is another.
    """
    for name, value in asked.items():
        if name in division.asked and division.asked[name] != value:
            raise ConfigError(
                f'is another than the {division.asked[name]!r} that the run in {file.parent} began '
                'with',
                argument=name,
                value=value,
                advice=('Give the same', 'Begin again in another {out}'),
            )
    return division


def _write_inputs(wishes: Wishes, folder: Path, start: _Start, division: Division) -> Path:
    """Write division, photographs and config, and return the file of the config.

    Raises:
        ConfigError: If an option does not fit the model.
        OutputError: If something cannot be written.
    """
    photographs = photographs_of(division, folder / PHOTOS)
    name = start.config_name or f'./{BASE_FILE}'
    file = str(start.weights.resolve())
    overlay = build_overlay(start.config, name, file, photographs, wishes.recipe)
    try:
        try_folder(folder)
    except OSError as error:
        raise unwritable(folder, error, 'Choose another {out}', 'out') from error
    write_division(folder / DIVISION_FILE, division)
    copy_pictures(division, folder / PHOTOS)
    if not start.config_name:
        write_text_atomic(folder / BASE_FILE, WrittenConfig.of(start.config).pretty_text)
    write_overlay(folder / CONFIG_FILE, overlay, wishes.model, photographs.num_train)
    return folder / CONFIG_FILE


def _train(config: Path, folder: Path) -> Path:
    """Train, from where an interrupted run stopped, and return the best checkpoint.

    Raises:
        TrainingError: If there is none.
    """
    runner = train(config, folder, resume='auto')
    best = runner.message_hub.get_info('best_checkpoint')
    if not best:
        raise TrainingError('holds no best checkpoint', place=FilePlace(folder))
    return folder / best


def _write_summary(path: Path, wishes: Wishes, result: AdaptResult) -> None:
    numbers = (PRIMARY_NUMBER, CHOICE, 'mean_3DIoU', 'num_images', 'num_objects')
    write_json(
        path,
        {
            'model': wishes.model,
            'category': result.division.metainfo['category'],
            'num_train': len(result.division.train),
            'num_val': len(result.division.val),
            'num_scenes': result.division.num_scenes,
            'before': {name: result.before[name] for name in numbers},
            'after': {name: result.after[name] for name in numbers},
            'is_better': result.is_better,
            'chosen': result.chosen,
            'proportions': result.division.proportions,
            'seconds_of_training': result.seconds,
        },
    )
