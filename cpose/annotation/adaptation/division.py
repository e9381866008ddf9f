"""The photographs that a model is adapted to: chosen, divided and copied."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from cpose.annotation.adaptation.scene_split import find_scenes, hold_out
from cpose.annotation.adaptation.sizes import find_proportions
from cpose.annotation.adaptation.training_config import Photographs
from cpose.codecs.symmetries import SYMMETRIC_ABSENT, SYMMETRIC_TRUE
from cpose.datasets.annotations.annotation_index import index_folder
from cpose.datasets.annotations.annotation_table import AnnotationTable
from cpose.datasets.annotations.data_problems import DataProblems
from cpose.datasets.annotations.file_index import scan_folder
from cpose.datasets.annotations.object_checks import OTHER_CLASSES
from cpose.error_places import FilePlace
from cpose.errors import ConfigError, DataError, nearest_names, unwritable
from cpose.files.json_files import write_json
from cpose.files.outputs import note_input
from cpose.files.text_files import read_json
from cpose.type_gate import find_foreign

LEAST_PICTURES = 2
TRAIN, VAL = 'train', 'val'
SYMMETRIES = ('none', 'cuboid')
ROUND = 100
"""Rotations that evaluation compares of an object that looks the same from all sides."""


@dataclass(frozen=True)
class Division:
    """Which pictures are trained on and which are held out, as it is written down.

    Attributes:
        root: Folder of the pictures to train on.
        val_root: Folder of those held out, the same one unless another was given.
        train: Paths below ``root``.
        val: Paths below ``val_root``.
        num_scenes: Scenes among all of ``root``; 0 where held-out pictures were given.
        left_out: Pictures that cannot be used, and why.
        metainfo: See `Photographs`.
        classes: See `Photographs`.
        is_like_model: Whether the objects have the symmetry of the model's category.
        proportions: Of the sizes of the objects to train on, if they are few; see
            `find_proportions`.
    """

    root: str
    val_root: str
    train: list[str]
    val: list[str]
    num_scenes: int
    left_out: str
    metainfo: dict[str, Any]
    classes: dict[str, str] | None
    is_like_model: bool
    proportions: list[list[float]] = field(default_factory=list)


def divide(
    root: str,
    val: str | float,
    known: Mapping[str, Any],
    category: str | None,
    symmetry: str | None,
    seed: int,
) -> Division:
    """Decide what is trained on and what is held out.

    Args:
        root: Folder of annotated pictures.
        val: Folder of pictures to hold out, or the share of those in ``root``.
        known: Meta information of the model, see `find_metainfo`.
        category: Class of the objects to learn; None for all there are.
        symmetry: ``none``, ``cuboid``, or a number of equal views about the up axis; None for that
            of the model.
        seed: Of the choice among scenes.

    Raises:
        DataError: If there are too few pictures or no object.
        ConfigError: If an option does not fit the model or the annotations.
    """
    table, left_out = _read(root, LEAST_PICTURES if isinstance(val, float) else 1)
    metainfo, classes = choose_category(_classes(table), known, category, symmetry)
    follows = _follow_category(table, classes)
    learnt = (metainfo, classes, symmetry is None and follows)
    paths = table.paths.tolist()
    if isinstance(val, str):
        held_table, problems = _read(val, 1)
        left_out = '\n'.join(filter(None, (left_out, problems)))
        sizes = _proportions(table, metainfo, classes, follows)
        held_out = held_table.paths.tolist()
        return Division(root, val, paths, held_out, 0, left_out, *learnt, sizes)
    scenes = find_scenes(root, paths)
    is_held = hold_out(scenes, val, seed)
    pairs = list(zip(paths, is_held, strict=True))
    seen = table.select(np.flatnonzero(np.logical_not(is_held)))
    train = [path for path, held in pairs if not held]
    held_out = [path for path, held in pairs if held]
    sizes = _proportions(seen, metainfo, classes, follows)
    return Division(root, root, train, held_out, len(set(scenes)), left_out, *learnt, sizes)


def _read(root: str, least: int) -> tuple[AnnotationTable, str]:
    """Return the annotations of a folder that can be used, and what cannot.

    Raises:
        DataError: If there are fewer pictures than needed or no object.
    """
    note_input(root)
    problems = DataProblems('skip')
    table = index_folder(root, problems)
    found = f': {problems.describe().strip()}' if len(problems) else ''
    if not len(table) or not len(table.objects):
        raise DataError(
            f'holds no picture with an annotated object{found}',
            argument='folder',
            place=FilePlace(root),
            advice='Annotate some, ten or more: an image and a JSON file of the same name',
        )
    if len(table) < least:
        raise DataError(
            f'holds {len(table)} annotated picture, and one must be held out{found}',
            argument='folder',
            place=FilePlace(root),
            advice=('Annotate more, ten or more', 'Give others by {val}'),
        )
    return table, problems.describe()


def _classes(table: AnnotationTable) -> list[str]:
    names = {name.decode('utf-8', 'replace') for name in table.objects['class_name'].tolist()}
    return sorted(names)


def _proportions(
    table: AnnotationTable,
    metainfo: Mapping[str, Any],
    classes: Mapping[str, str] | None,
    follows: bool,
) -> list[list[float]]:
    """Return the sizes of the objects that are learnt, if they are few and of one category."""
    if not isinstance(metainfo['category'], str):
        return []
    is_turnable = follows and metainfo['symmetry']['type'] == 'CuboidSymmetry'
    return find_proportions(_learnt(table, classes)['dims_metric'], is_turnable)


def _learnt(table: AnnotationTable, classes: Mapping[str, str] | None) -> np.ndarray:
    """Return the objects of the classes that are learnt."""
    if classes is None:
        return table.objects
    names = [name.encode() for name in classes if name != OTHER_CLASSES]
    return np.asarray(table.objects[np.isin(table.objects['class_name'], names)])


def _follow_category(table: AnnotationTable, classes: Mapping[str, str] | None) -> bool:
    """Tell whether most of the objects that are learnt leave their symmetry to the category."""
    objects = _learnt(table, classes)
    does_follow = np.isin(objects['symmetric'], (SYMMETRIC_ABSENT, SYMMETRIC_TRUE))
    return bool(len(objects) and does_follow.mean() > 0.5)


def choose_category(
    found: list[str], known: Mapping[str, Any], category: str | None, symmetry: str | None
) -> tuple[dict[str, Any], dict[str, str] | None]:
    """Return the meta information of what is learnt, and what classes of annotations count as.

    Args:
        found: Classes in the annotations; an empty one stands for objects without a class.
        known: Meta information of the model.
        category: See `divide`.
        symmetry: See `divide`.

    Raises:
        ConfigError: If the model or the annotations do not have the category, or the annotations
            have several where the model has one.
    """
    names = list(known['category'])
    if len(names) > 1:
        if category or symmetry:
            raise ConfigError(
                f'cannot be chosen: the model has the categories {", ".join(names)}',
                argument='category' if category else 'symmetry',
                value=category or symmetry,
                advice='Leave it out: the class of each annotation names its category',
            )
        return {key: list(value) for key, value in known.items()}, None
    named = [name for name in found if name]
    is_renamed = len(named) <= 1 and category == names[0]
    if category and named and category not in named and not is_renamed:
        raise ConfigError(
            f'is no class of the annotations, which have {", ".join(named)}',
            argument='category',
            value=category,
            advice=nearest_names(category, named),
        )
    if not category and len(named) > 1 and names[0] not in named:
        raise ConfigError(
            f'is needed: the annotations have the classes {", ".join(named)}, and the model has '
            'one category',
            argument='category',
            value=None,
            advice='Name one; objects of others are left out',
        )
    chosen = category or (named[0] if len(named) == 1 else names[0])
    classes = {chosen: chosen, OTHER_CLASSES: 'leave_out'} if len(named) > 1 else None
    kept = {key: value[0] for key, value in known.items()}
    return {**kept, 'category': chosen, **_symmetry(symmetry)}, classes


def _symmetry(text: str | None) -> dict[str, Any]:
    """Return the meta information of a symmetry as it is given on a command line.

    Raises:
        ConfigError: If it is none.
    """
    if text is None:
        return {}
    if text in SYMMETRIES:
        name = {'none': 'NoSymmetry', 'cuboid': 'CuboidSymmetry'}[text]
        return {'symmetry': {'type': name}, 'eval_num_symmetry': 1}
    if text.isdecimal() and int(text) >= 2:
        order = int(text)
        symmetry = {'type': 'RotationalSymmetry', 'order': order}
        return {'symmetry': symmetry, 'eval_num_symmetry': order}
    raise ConfigError(
        'is no symmetry',
        argument='symmetry',
        value=text,
        advice='Give none, cuboid (a box without a front), or the number of equal views about the '
        'up axis, such as 2, 4, or 12 for round objects',
    )


def photographs_of(division: Division, folder: Path) -> Photographs:
    """Return what a config says of the pictures that `copy_pictures` puts into a folder."""
    return Photographs(
        str((folder / TRAIN).resolve()),
        str((folder / VAL).resolve()),
        len(division.train),
        division.metainfo,
        division.classes,
        division.is_like_model,
        division.proportions,
    )


def copy_pictures(division: Division, folder: Path) -> None:
    """Copy pictures and annotations into two folders, so that a training stands for itself.

    Args:
        division: What goes where.
        folder: Parent of the two; what is there already stays.

    Raises:
        OutputError: If something cannot be written.
    """
    for part, root, paths in (
        (TRAIN, division.root, division.train),
        (VAL, division.val_root, division.val),
    ):
        beside = {image.path: image.annotation_path for image in scan_folder(root).images}
        for path in paths:
            for name in filter(None, (path, beside.get(path))):
                _copy(Path(root, name), folder / part / name)


def _copy(source: Path, target: Path) -> None:
    if target.is_file() and target.stat().st_size == source.stat().st_size:
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    except OSError as error:
        raise unwritable(target, error, ('Make room', 'Choose another {out}'), 'out') from error


def write_division(path: Path, division: Division) -> None:
    """Write the division, from which an interrupted run goes on."""
    write_json(path, asdict(division))


def read_division(path: Path) -> Division:
    """Return what `write_division` wrote.

    Raises:
        DataError: If the file holds something else, or names of code that are not registered.
    """
    content = read_json(path)
    names = {item.name for item in fields(Division)}
    is_whole = isinstance(content, dict) and set(content) == names
    foreign = next(find_foreign(content), None)
    if not is_whole or foreign is not None:
        what = ' of '.join(foreign[::-1]) if foreign else 'other fields'
        raise DataError(
            f'is not the division that this command wrote: it has {what}',
            place=FilePlace(path),
            advice='Begin again in another folder',
        )
    return Division(**content)
