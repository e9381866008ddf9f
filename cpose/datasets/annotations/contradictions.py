"""The contradictions of all annotations of a folder: searched once, kept, told in one summary."""

import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np
from mmengine.logging import print_log

from cpose.datasets.annotations.annotation import Annotation
from cpose.datasets.conventions.consistency import (
    RELATIONS,
    Finding,
    measure_contradictions,
    pose_objects,
)
from cpose.datasets.conventions.explanations import Step, check_fields
from cpose.datasets.conventions.names import UNITS
from cpose.errors import ConfigError, DataError

OnContradiction = Literal['raise', 'warn']
MOST_UNEXPLAINED = 30
"""Files without an explanation after which others are tried for known explanations only."""


def check_on_contradiction(on_contradiction: str) -> None:
    """Check the policy for data sets that contradict themselves.

    Raises:
        ConfigError: If it is none.
    """
    if on_contradiction not in ('raise', 'warn'):
        raise ConfigError(
            'is unknown',
            argument='on_contradiction',
            value=on_contradiction,
            advice="Use 'raise' or 'warn'",
        )


class ContradictionSearch:
    """Compare the fields of many files; what explains one is tried first for the next ones."""

    def __init__(self) -> None:
        self._known: dict[tuple[Step, ...], None] = {}
        self._num_unexplained = 0

    def find(self, annotations: Sequence[Annotation | None]) -> list[list[Finding]]:
        """Return the findings of each file, none for most."""
        findings = [list(item.notes) if item else [] for item in annotations]
        present = [number for number, item in enumerate(annotations) if item and len(item.fields)]
        files = [item.fields for item in annotations if item and len(item.fields)]
        if not files:
            return findings
        measured = measure_contradictions(pose_objects(files))
        is_violated = np.any([np.isfinite(measured[name]) for name in RELATIONS], axis=0)
        owners = np.repeat(np.arange(len(files)), [len(item) for item in files])
        for number in np.unique(owners[is_violated]):
            may_search = self._num_unexplained < MOST_UNEXPLAINED
            found = check_fields(files[number], tuple(self._known), may_search)
            self._remember(found)
            findings[present[number]] += found
        return findings

    def _remember(self, found: Sequence[Finding]) -> None:
        steps = tuple(item.step for item in found if item.step)
        if len(steps) == len(found):
            self._known.setdefault(steps)
        else:
            self._num_unexplained += 1


def pack_findings(findings: Sequence[Finding]) -> str:
    """Return findings as JSON, empty if there are none."""
    return json.dumps([asdict(item) for item in findings]) if findings else ''


def unpack_findings(text: str) -> list[Finding]:
    """Undo `pack_findings`."""
    items = json.loads(text) if text else []
    return [Finding(**{**item, 'objects': tuple(item['objects'])}) for item in items]


@dataclass(frozen=True)
class Contradictions:
    """What is found in the files of one data set.

    Attributes:
        files: Findings by path, of files that have some.
        num_files: Annotated files in all.
    """

    files: Mapping[str, Sequence[Finding]]
    num_files: int

    @property
    def contradicting(self) -> list[str]:
        """Return the paths of files with a contradiction in what is read."""
        return [path for path, found in self.files.items() if any(map(_matters, found))]

    def of_corners_only(self) -> 'Contradictions':
        """Return them for one who reads ``projected_cuboid`` and the ratios of ``scale`` only.

        So does the training of objects without symmetry; what is wrong elsewhere is told.
        """
        files = {
            path: [replace(item, is_used=item.is_used and _is_of_corners(item)) for item in found]
            for path, found in self.files.items()
        }
        return Contradictions(files, self.num_files)

    def convention(self) -> dict[str, str | list[str]]:
        """Return the forms that most of the contradicting files have, by field."""
        counts = Counter(item.form for found in self.files.values() for item in found if item.form)
        least = max(len(self.contradicting), 1) / 2
        forms: dict[str, list[str]] = {}
        for form, count in counts.items():
            field, _, name = form.partition('=')
            if count > least:
                forms.setdefault(field, []).append(name)
        return {field: names if len(names) > 1 else names[0] for field, names in forms.items()}

    def kinds(self) -> list[list[tuple[str, Finding]]]:
        """Return path and finding of each kind of finding, the most frequent kind first."""
        kinds: dict[tuple[str, str], list[tuple[str, Finding]]] = {}
        for path, found in self.files.items():
            for item in found:
                kinds.setdefault((item.field, item.cause), []).append((path, item))
        return sorted(kinds.values(), key=len, reverse=True)

    def describe(self) -> str:
        """Return one line for each kind of finding, with the number of files and the worst one."""
        lines = []
        for items in self.kinds():
            count, worst, place = summarise_kind(items)
            example = '' if count == 1 else 'for example '
            lines.append(f'  {count} × {worst}: {example}{place}')
        return '\n'.join(lines)


def summarise_kind(items: Sequence[tuple[str, Finding]]) -> tuple[int, Finding, str]:
    """Return the number of files of one kind, its worst finding, and where that is."""
    path, worst = max(items, key=lambda pair: pair[1].magnitude or 0)
    place = f'{path}, objects[{worst.objects[0]}]' if worst.objects else path
    return len({path for path, _ in items}), worst, place


def _matters(item: Finding) -> bool:
    return item.is_used


def _is_of_corners(item: Finding) -> bool:
    field, form = item.step or ('', '')
    is_ratio = field == 'scale' and form in UNITS
    return field in ('projected_cuboid', 'keypoint_order', 'scale') and not is_ratio


def report_contradictions(
    found: Contradictions, root: str, on_contradiction: OnContradiction
) -> None:
    """Tell what was found; refuse a data set most of whose files contradict themselves.

    Args:
        found: Of the data set.
        root: Its folder.
        on_contradiction: 'raise' or 'warn'.

    Raises:
        DataError: If more than half of the files do.
    """
    if not found.files:
        return
    count = len(found.contradicting)
    if on_contradiction == 'raise' and 2 * count > found.num_files:
        raise DataError(
            f'holds annotations that contradict themselves, {count} of {found.num_files}:\n'
            f'{found.describe()}\n',
            argument='data_root',
            value=root,
            advice=_advice(found.convention()),
        )
    head = f'{count} of {found.num_files} annotations of {root} contradict themselves'
    if not count:
        head = f'Not used of the annotations of {root}'
    print_log(f'{head}:\n{found.describe()}', logger='current', level=logging.WARNING)


def _advice(convention: Mapping[str, Any]) -> tuple[str, ...]:
    ways = ("Set {on_contradiction}='warn' to go on regardless",)
    if not convention:
        return ('Correct the files', *ways)
    words = ', '.join(f'{field}={form!r}' for field, form in convention.items())
    return (
        f'Set {{convention}}=dict({words}) to read them as they are',
        'Let cpose check-data --fix write corrected files',
        *ways,
    )


def find_contradictions(
    paths: Sequence[str], texts: Iterable[str], num_files: int
) -> Contradictions:
    """Return the findings kept in an index.

    Args:
        paths: Of all images.
        texts: One of `pack_findings` each.
        num_files: How many are annotated.
    """
    files = {path: unpack_findings(text) for path, text in zip(paths, texts, strict=True) if text}
    return Contradictions(files, num_files)
