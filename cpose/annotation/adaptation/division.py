"""The photographs that a model is adapted to: chosen, divided and copied."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from cpose.annotation.adaptation.learnt_pictures import (
    check_apart,
    choose_pictures,
    read_annotations,
    warn_of_similar,
)
from cpose.annotation.adaptation.scene_split import find_scenes, hold_out_shown
from cpose.annotation.adaptation.sizes import find_proportions
from cpose.annotation.adaptation.training_config import Photographs
from cpose.codecs.symmetries import SYMMETRIC_ABSENT, SYMMETRIC_TRUE
from cpose.datasets.annotations.annotation_table import AnnotationTable
from cpose.datasets.annotations.file_index import scan_folder
from cpose.datasets.annotations.object_checks import OTHER_CLASSES, image_of_object
from cpose.error_places import FilePlace
from cpose.errors import ConfigError, DataError, nearest_names, unwritable
from cpose.files.json_files import write_json
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
        asked: The wishes that decide about the run by name, to be compared when it goes on.
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
    asked: dict[str, Any] = field(default_factory=dict)


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
        DataError: If too few pictures of a part show an object.
        ConfigError: If an option does not fit the model or the annotations.
    """
    check_apart(root, val)
    table, problems = read_annotations(root)
    metainfo, classes = choose_category(_classes(table), known, category, symmetry)
    least = LEAST_PICTURES if isinstance(val, float) else 1
    pictures = choose_pictures(root, table, problems, metainfo, classes, least)
    if isinstance(val, str):
        held = choose_pictures(val, *read_annotations(val), metainfo, classes, 1)
        warn_of_similar(pictures, held)
        is_held, num_scenes = [False] * len(pictures.paths), 0
        left_out = '\n'.join(filter(None, (pictures.left_out, held.left_out)))
    else:
        scenes = find_scenes(pictures.paths, pictures.hashes)
        num_scenes = len(set(scenes))
        is_held = hold_out_shown(scenes, pictures.shows.tolist(), val, seed)
        held, left_out = pictures, pictures.left_out
    pairs = list(zip(pictures.paths, is_held, strict=True))
    of_held = np.array(is_held)[image_of_object(pictures.table)]
    objects = pictures.table.objects
    follows = _follow_category(objects[pictures.is_learnt])
    return Division(
        root,
        val if isinstance(val, str) else root,
        [path for path, is_out in pairs if not is_out],
        held.paths if isinstance(val, str) else [path for path, is_out in pairs if is_out],
        num_scenes,
        left_out,
        metainfo,
        classes,
        symmetry is None and follows,
        _proportions(objects[pictures.is_learnt & ~of_held], metainfo, follows),
    )


def _classes(table: AnnotationTable) -> list[str]:
    names = {name.decode('utf-8', 'replace') for name in table.objects['class_name'].tolist()}
    return sorted(names)


def _proportions(
    objects: np.ndarray, metainfo: Mapping[str, Any], follows: bool
) -> list[list[float]]:
    """Return the sizes of the objects that are learnt, if they are few and of one category."""
    if not isinstance(metainfo['category'], str):
        return []
    is_turnable = follows and metainfo['symmetry']['type'] == 'CuboidSymmetry'
    return find_proportions(objects['dims_metric'], is_turnable)


def _follow_category(objects: np.ndarray) -> bool:
    """Tell whether most objects leave their symmetry to the category."""
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
        ConfigError: If the model or the annotations do not have the category, the annotations have
            several where the model has one, or none of those of the model.
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
        if not set(found) & set(names):
            raise ConfigError(
                f'has the categories {", ".join(names)}, and the annotations have the classes '
                f'{", ".join(name or "none" for name in found)}',
                argument='model',
                advice=('Take a model of one category', 'Correct the classes'),
            )
        others = {OTHER_CLASSES: 'leave_out'} if set(found) - set(names) else None
        return {key: list(value) for key, value in known.items()}, others
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
    """Return what `write_division` wrote; earlier releases wrote no ``asked``.

    Raises:
        DataError: If the file holds something else, or names of code that are not registered.
    """
    content = read_json(path)
    names = {item.name for item in fields(Division)}
    is_whole = isinstance(content, dict) and set(content) | {'asked'} == names
    foreign = next(find_foreign(content), None)
    if not is_whole or foreign is not None:
        what = ' of '.join(foreign[::-1]) if foreign else 'other fields'
        raise DataError(
            f'is not the division that this command wrote: it has {what}',
            place=FilePlace(path),
            advice='Begin again in another folder',
        )
    return Division(**content)
