"""Split a folder into training, validation and test data that share no video and no picture.

Pictures that belong together form a group: frames of a video, pictures of a scene, and always
pictures that look nearly the same. A group goes into one part as a whole. Letters: G groups, P
parts, C classes of objects, and the pictures themselves as one more.
"""

import errno
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cpose.annotation.checks.checking import CheckedFile
from cpose.annotation.checks.similarity import find_similar, join_groups
from cpose.error_places import FilePlace
from cpose.errors import ConfigError, DataError, OutputError, unwritable
from cpose.files.atomic import write_text_atomic
from cpose.files.json_files import write_json
from cpose.files.outputs import MARK

By = Literal['video', 'scene', 'random']
PARTS = ('train', 'val', 'test')
SUMMARY_NAME = 'split.json'
UNUSABLE = frozenset(('no_annotation', 'no_image', 'schema', 'unreadable_image', 'image_size'))
"""Kinds of issues of files that no data set takes."""
SHUFFLE = (0.7, 1.3)
"""Factors of the sizes of groups, by which their order changes with the seed."""
NO_LINKS = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES)


@dataclass(frozen=True)
class Split:
    """Which pictures go where.

    Attributes:
        parts: The pictures by part, in the order of their paths.
        num_groups: How many groups each part has.
        num_left: Files that cannot be used.
    """

    parts: Mapping[str, Sequence[CheckedFile]]
    num_groups: Mapping[str, int]
    num_left: int

    def count_classes(self, part: str) -> dict[str, int]:
        """Return how many objects of each class a part has."""
        names = [each.class_name for item in self.parts[part] for each in item.objects]
        return {name: names.count(name) for name in sorted(set(names))}

    def missing_classes(self) -> dict[str, list[str]]:
        """Return the classes that other parts show and a part does not, by part."""
        classes = {part: set(self.count_classes(part)) for part in self.parts}
        known = set().union(*classes.values())
        return {part: sorted(known - own) for part, own in classes.items() if known - own}


def check_fractions(fractions: Sequence[float]) -> dict[str, float]:
    """Return the share of each part.

    Args:
        fractions: Of train and val, or of train, val and test; 0 leaves a part out.

    Raises:
        ConfigError: If there are more or fewer, one is negative, or they do not make 1.
    """
    is_right = len(fractions) in (2, 3) and min(fractions) >= 0
    if not (is_right and fractions[0] > 0 and abs(sum(fractions) - 1) < 1e-6):
        raise ConfigError(
            'must be shares of train and val, or of train, val and test, that make 1',
            argument='fractions',
            value=list(fractions),
            advice='Give for example 0.8 0.1 0.1',
        )
    return {name: share for name, share in zip(PARTS, fractions, strict=False) if share > 0}


def plan_split(
    root: str, checked: Sequence[CheckedFile], by: By, shares: Mapping[str, float], seed: int = 0
) -> Split:
    """Decide which pictures go into which part; the same input gives the same split.

    Args:
        root: The folder, for messages.
        checked: What `check_folder` found in it.
        by: What belongs together besides pictures that look alike.
        shares: Of each part, see `check_fractions`.
        seed: Another one gives another split.

    Raises:
        DataError: If no file can be used, nobody knows the videos or scenes, or there are fewer
            groups than parts.
    """
    files = [item for item in checked if not any(i.kind in UNUSABLE for i in item.issues)]
    if not files:
        raise DataError(
            f'holds {len(checked)} pictures or annotations, of which none can be used',
            place=FilePlace(root),
            advice='See what is wrong with them by `cpose check-data`',
        )
    if by != 'random' and not any(getattr(item.source, by) for item in files):
        raise DataError(
            f'tells no {by} of its pictures, neither by folders and names nor by a field {by}',
            place=FilePlace(root),
            advice='Use {by} random, or put the pictures of each one into a folder',
        )
    groups = _group(files, by)
    count = int(groups.max(initial=-1)) + 1
    if count < len(shares):
        raise DataError(
            f'holds {count} group{"" if count == 1 else "s"} of pictures that belong together, '
            f'fewer than the {len(shares)} parts',
            place=FilePlace(root),
            advice=('Add pictures of other places', 'Take fewer parts with {fractions}'),
        )
    part_of_group = _assign(_count(files, groups), list(shares.values()), seed)
    parts: dict[str, list[CheckedFile]] = {name: [] for name in shares}
    for item, group in zip(files, groups, strict=True):
        parts[list(shares)[part_of_group[group]]].append(item)
    num_groups = np.bincount(part_of_group, minlength=len(shares)).tolist()
    num_left = len(checked) - len(files)
    return Split(parts, dict(zip(shares, num_groups, strict=True)), num_left)


def _group(files: Sequence[CheckedFile], by: By) -> np.ndarray:
    """Return the number of the group of each picture, counted from 0."""

    def pairs() -> Iterator[tuple[int, int]]:
        yield from find_similar([item.picture_hash or b'' for item in files])
        for kind in {'video': ('video',), 'scene': ('video', 'scene'), 'random': ()}[by]:
            first: dict[str, int] = {}
            for number, item in enumerate(files):
                name = getattr(item.source, kind)
                if name:
                    yield first.setdefault(name, number), number

    labels = join_groups(len(files), pairs())
    return np.unique(labels, return_inverse=True)[1].reshape(-1)


def _count(files: Sequence[CheckedFile], groups: np.ndarray) -> np.ndarray:
    """Return how many objects of each class, and how many pictures, each group has (G, C)."""
    names = sorted({each.class_name for item in files for each in item.objects})
    column = {name: number for number, name in enumerate(names)}
    counts = np.zeros((groups.max(initial=-1) + 1, len(names) + 1))
    for item, group in zip(files, groups, strict=True):
        counts[group, -1] += 1
        for each in item.objects:
            counts[group, column[each.class_name]] += 1
    return counts


def _assign(counts: np.ndarray, shares: Sequence[float], seed: int) -> np.ndarray:
    """Return the part of each group (G,): large ones early, each where most is lacking.

    What is lacking is measured in all classes, so that each part has its share of each.
    """
    weights = counts / counts.sum(axis=0)
    chance = np.random.default_rng(seed).uniform(*SHUFFLE, len(counts))
    order = np.argsort(-counts[:, -1] * chance, kind='stable')
    lacking = np.repeat(np.array(shares)[:, None], counts.shape[1], axis=1)
    parts = np.zeros(len(counts), dtype=np.int64)
    for group in order:
        parts[group] = int((lacking @ weights[group]).argmax())
        lacking[parts[group]] -= weights[group]
    _fill_empty(parts, counts[:, -1], len(shares))
    return parts


def _fill_empty(parts: np.ndarray, sizes: np.ndarray, num_parts: int) -> None:
    """Give each part without a group the smallest one of the part that has most of them."""
    for part in range(num_parts):
        if not (parts == part).any():
            donor = np.bincount(parts, minlength=num_parts).argmax()
            groups = np.flatnonzero(parts == donor)
            parts[groups[sizes[groups].argmin()]] = part


def write_lists(out: Path, split: Split) -> None:
    """Write a text file for each part, with one path a line; none if a name is wrong.

    Raises:
        DataError: If a name cannot stand in a text file.
        OutputError: If one cannot be written.
    """
    for item in chain.from_iterable(split.parts.values()):
        if not _is_plain_line(item.path):
            raise DataError(
                'has a name that no text file can hold as a line',
                place=FilePlace(item.path),
                advice=('Rename it', 'Use {folders}'),
            )
    for part, items in split.parts.items():
        head = f'# {MARK.decode()} split; paths relative to the data folder\n'
        write_text_atomic(out / f'{part}.txt', [head, *(f'{item.path}\n' for item in items)])


def _is_plain_line(path: str) -> bool:
    is_text = path.encode('utf-8', 'replace').decode() == path
    return is_text and path.splitlines() == [path.strip()] and not path.startswith('#')


def write_folders(root: str, out: Path, split: Split) -> int:
    """Put pictures and annotations into a folder for each part, under their own paths.

    They are hard links to the same files where the file system knows them, which take no room and
    stay when the others are removed; else copies.

    Returns:
        How many files had to be copied.

    Raises:
        OutputError: If one cannot be written.
    """
    num_copied = 0
    for part, items in split.parts.items():
        for item in items:
            for path in filter(None, (item.path, item.annotation_path)):
                num_copied += _link(os.path.join(root, path), out / part / path)
    return num_copied


def _link(source: str, target: Path) -> bool:
    """Link or copy a file; tell whether it was copied."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(os.path.realpath(source), target)
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            shutil.copyfile(source, target)
            return True
    except OSError as error:
        raise _no_room(target, error) from error
    return False


def _no_room(target: Path, error: OSError) -> OutputError:
    return unwritable(target, error, ('Choose another {out}', 'Make room'), 'out')


def write_summary(out: Path, root: str, split: Split, settings: Mapping[str, Any]) -> None:
    """Write beside lists what was split how as ``split.json``, for programs.

    Raises:
        OutputError: If it cannot be written.
    """
    parts = {
        part: {
            'num_images': len(items),
            'num_groups': split.num_groups[part],
            'objects': split.count_classes(part),
            'images': [item.path for item in items],
        }
        for part, items in split.parts.items()
    }
    head = {'origin': f'{MARK.decode()} split', 'root': root, **settings}
    write_json(out / SUMMARY_NAME, {**head, 'num_left_out': split.num_left, 'parts': parts})
