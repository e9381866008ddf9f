"""What shows only when all files are seen together: sizes, copies, parts that are not apart."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from cpose.annotation.checks.checking import CheckedFile, DataCheck, MeasuredObject
from cpose.annotation.checks.issues import ERROR, NOTE, WARNING, Issue
from cpose.annotation.checks.similarity import find_similar
from cpose.datasets.conventions.names import UNITS

LONGEST = {
    'bike': (0.6, 2.5), 'book': (0.07, 0.6), 'bottle': (0.05, 0.6), 'camera': (0.04, 0.5),
    'cereal_box': (0.06, 0.7), 'chair': (0.3, 2.0), 'cup': (0.03, 0.35), 'laptop': (0.15, 0.7),
    'shoe': (0.08, 0.5), 'cuboid': (0.02, 4.0), 'box': (0.02, 4.0),
}  # fmt: skip
"""Metres, between which the longest extent of objects of a class lies."""
MOST_APART = 8.0
"""Factor between the longest extents of one object and of the median of its class."""
LEAST_OBJECTS = 5
"""Of a class, from which on its median tells something."""
UNIT_FIELDS = ('scale', 'camera_unit', 'keypoints_3d')
"""Of contradictions that tell already in which unit the extents are."""

Added = dict[int, list[Issue]]
"""Issues by the number of their file."""


def compare_files(roots: Sequence[str], files: Sequence[CheckedFile]) -> DataCheck:
    """Complete the check of all files by what they show together.

    Args:
        roots: The folders.
        files: What `check_folder` found in them.
    """
    before = DataCheck(tuple(roots), files)
    names = [before.name(item) for item in files]
    added: Added = defaultdict(list)
    of_data = _compare_sizes(files, added)
    _find_copies(files, names, added)
    of_data += _find_crossing_videos(files, names)
    after = [
        replace(item, issues=(*item.issues, *added[number])) if number in added else item
        for number, item in enumerate(files)
    ]
    return DataCheck(tuple(roots), after, tuple(of_data))


def _compare_sizes(files: Sequence[CheckedFile], added: Added) -> list[Issue]:
    """Compare the extents of each class with its range, and with each other."""
    by_class: dict[str, list[tuple[int, int, MeasuredObject]]] = defaultdict(list)
    for number, item in enumerate(files):
        has_other_unit = any(found.step and found.step[0] in UNIT_FIELDS for found in item.findings)
        for place, measured in enumerate(item.objects):
            if not (measured.is_relative or has_other_unit):
                by_class[measured.class_name].append((number, place, measured))
    issues = []
    for name, items in sorted(by_class.items()):
        median = float(np.median([measured.longest for _, _, measured in items]))
        is_judged = name in LONGEST and len(items) >= LEAST_OBJECTS
        whole = _whole_class_issue(name, median) if is_judged else None
        if whole is not None:
            issues.append(whole)
            continue
        _add_outliers(name, items, median, added)
    return issues


def _whole_class_issue(name: str, median: float) -> Issue | None:
    low, high = LONGEST[name]
    if low <= median <= high:
        return None
    unit = _fitting_unit(name, median)
    guess = f'; in {unit} it would be {median * UNITS[unit]:.2g} m' if unit else ''
    return Issue(
        WARNING,
        f'unit_of_class={unit}' if unit else 'size_of_class',
        f'scale of class {name}',
        f'has a longest extent of {median:.3g} in the median, plausible are {low} to {high} m'
        f'{guess}',
    )


def _fitting_unit(name: str, length: float) -> str:
    """Return the unit in which a length would be most usual for a class, empty if there is none."""
    low, high = LONGEST[name]
    usual = np.sqrt(low * high)
    fitting = {
        unit: abs(float(np.log(length * UNITS[unit] / usual)))
        for unit in ('centimetres', 'millimetres')
        if low <= length * UNITS[unit] <= high
    }
    return min(fitting, key=lambda unit: fitting[unit]) if fitting else ''


def _add_outliers(
    name: str, items: Sequence[tuple[int, int, MeasuredObject]], median: float, added: Added
) -> None:
    low, high = LONGEST.get(name, (0.0, np.inf))
    places: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for number, place, measured in items:
        factor = max(measured.longest / median, median / measured.longest)
        is_apart = len(items) >= LEAST_OBJECTS and factor > MOST_APART
        if is_apart or not low <= measured.longest <= high:
            places[number].append((place, measured.longest))
    for number, found in places.items():
        worst = max((longest for _, longest in found), key=lambda v: abs(np.log(v / median)))
        unit = _fitting_unit(name, worst) if name in LONGEST else ''
        guess = f', perhaps in {unit}' if unit else ''
        usual = f'{low} to {high} m are plausible' if name in LONGEST else 'others are unlike it'
        problem = (
            f'of class {name or "(none)"} has a longest extent of {worst:.3g} m, {usual}, the '
            f'median is {median:.3g} m{guess}'
        )
        objects = tuple(place for place, _ in found)
        added[number].append(Issue(WARNING, 'size_out_of_range', 'scale', problem, objects))


def _find_copies(files: Sequence[CheckedFile], names: Sequence[str], added: Added) -> None:
    """Tell of pictures that are the same or nearly; those in different parts are worse."""
    by_digest: dict[str, list[int]] = defaultdict(list)
    for number, item in enumerate(files):
        if item.digest:
            by_digest[item.digest].append(number)
    for same in by_digest.values():
        for number in same[1:]:
            is_apart = files[number].source.part != files[same[0]].source.part
            added[number].append(_copy_issue('duplicate', is_apart, names[same[0]]))
    hashed = [same[0] for same in by_digest.values() if files[same[0]].picture_hash is not None]
    found: dict[int, list[int]] = defaultdict(list)
    for first, second in find_similar([files[number].picture_hash or b'' for number in hashed]):
        found[hashed[second]].append(hashed[first])
    for number, others in found.items():
        part = files[number].source.part
        apart = [other for other in others if files[other].source.part != part]
        other = (apart or others)[0]
        added[number].append(_copy_issue('near_duplicate', bool(apart), names[other]))


def _copy_issue(kind: str, is_apart: bool, other: str) -> Issue:
    what = 'has the same bytes as' if kind == 'duplicate' else 'looks nearly the same as'
    if not is_apart:
        return Issue(
            WARNING if kind == 'duplicate' else NOTE, kind, 'image', f'{what} {other}', (), None,
            '', (other,),
        )  # fmt: skip
    problem = f'{what} {other} in another part of the data: results on it look better than they are'
    severity = ERROR if kind == 'duplicate' else WARNING
    return Issue(severity, f'{kind}_across_parts', 'image', problem, others=(other,))


def _find_crossing_videos(files: Sequence[CheckedFile], names: Sequence[str]) -> list[Issue]:
    """Tell of videos and scenes that several parts of the data share.

    By their names alone it is certain only if no frame is in two parts: numbers that begin anew
    in each part are of different pictures.
    """
    issues: list[Issue] = []
    crossing: set[str] = set()
    for kind in ('video', 'scene'):
        groups: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for number, item in enumerate(files):
            name = getattr(item.source, kind)
            if name and item.source.part and item.picture_hash is not None:
                groups[name][item.source.part].append(number)
        for name, parts in sorted(groups.items()):
            numbers = [number for found in parts.values() for number in found]
            is_told_already = crossing.issuperset(files[number].source.video for number in numbers)
            if len(parts) > 1 and not is_told_already and _is_one(files, parts, kind):
                crossing.update({name} if kind == 'video' else ())
                issues.append(_crossing_issue(kind, name, parts, files, names))
    return issues


def _is_one(files: Sequence[CheckedFile], parts: Mapping[str, Iterable[int]], kind: str) -> bool:
    is_told = all(files[number].source.is_told for found in parts.values() for number in found)
    stems = [
        {files[number].path.rpartition('/')[2] for number in found} for found in parts.values()
    ]
    total = sum(len(found) for found in stems)
    return (is_told and kind == 'video') or len(set().union(*stems)) == total


def _crossing_issue(
    kind: str,
    name: str,
    parts: Mapping[str, Sequence[int]],
    files: Sequence[CheckedFile],
    names: Sequence[str],
) -> Issue:
    counts = ', '.join(f'{part} ({len(found)})' for part, found in sorted(parts.items()))
    first = [found[0] for found in parts.values()]
    is_told = kind == 'video' and all(files[number].source.is_told for number in first)
    return Issue(
        ERROR if is_told else WARNING,
        f'{kind}_across_parts',
        kind,
        f'{name!r} is in several parts of the data: {counts}; cpose split keeps it together',
        others=tuple(names[number] for number in first),
    )
