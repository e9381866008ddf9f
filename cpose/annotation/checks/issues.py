"""One form for everything that a check of data finds, and its summary by kind."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cpose.datasets.conventions.consistency import Finding

ERROR, WARNING, NOTE = SEVERITIES = ('error', 'warning', 'note')
"""What spoils training or testing; what is probably wrong; what is left aside or worth knowing."""
NUMBER_IN_FIELD = re.compile(r'\[\d+\]')


@dataclass(frozen=True)
class Issue:
    """One thing that is found.

    Attributes:
        severity: Entry of `SEVERITIES`.
        kind: What it is, one word for programs, such as ``behind_camera``.
        field: Field of the annotation, or the part of the data that it is about.
        problem: The predicate of a sentence about the field.
        objects: Numbers of the objects in the file.
        magnitude: How far off, in ``unit``.
        unit: Of the magnitude.
        others: Other files that take part.
        is_blocking: Whether the file cannot be repaired.
    """

    severity: str
    kind: str
    field: str
    problem: str
    objects: tuple[int, ...] = ()
    magnitude: float | None = None
    unit: str = ''
    others: tuple[str, ...] = ()
    is_blocking: bool = False

    def __str__(self) -> str:
        """Return a sentence without its full stop."""
        return f'{self.field} {self.problem}{self.amount()}'.strip()

    def amount(self) -> str:
        """Return in brackets how far off it is, empty where there is no such number."""
        if self.magnitude is None:
            return ''
        amount = f'{self.magnitude:.3g} {self.unit}'.strip()
        return f' (off by {amount})' if self.unit else f' ({amount})'

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return asdict(self)


def issue_of_finding(finding: Finding) -> Issue:
    """Return what contradicts itself in a file, or is left aside in it, as an issue."""
    return Issue(
        severity=ERROR if finding.is_used else NOTE,
        kind=finding.form or finding.relation or 'left_aside',
        field=finding.field,
        problem=finding.cause,
        objects=finding.objects,
        magnitude=finding.magnitude,
        unit=finding.unit,
        is_blocking=finding.is_used and finding.step is None,
    )


@dataclass(frozen=True)
class IssueKind:
    """All issues of one kind.

    Attributes:
        example: The worst one.
        place: File and object of it.
        paths: All files that have it, or take part where it is of the data as a whole.
        count: How many files or, of the data as a whole, how many times.
    """

    example: Issue
    place: str
    paths: tuple[str, ...]
    count: int


def summarise_issues(files: Mapping[str, Sequence[Issue]]) -> list[IssueKind]:
    """Return the kinds of issues, errors first, then by how many files have them.

    Args:
        files: Issues by path.
    """
    kinds: dict[tuple[str, ...], list[tuple[str, Issue]]] = {}
    for path, issues in files.items():
        for item in issues:
            field = NUMBER_IN_FIELD.sub('[]', item.field)
            kinds.setdefault((item.severity, item.kind, field), []).append((path, item))
    found = [_summarise(items) for items in kinds.values()]
    return sorted(
        found, key=lambda kind: (SEVERITIES.index(kind.example.severity), -len(kind.paths))
    )


def _summarise(items: Sequence[tuple[str, Issue]]) -> IssueKind:
    path, worst = max(items, key=lambda pair: pair[1].magnitude or 0)
    place = path
    if worst.objects and '[' not in worst.field:
        place = f'{path}, objects[{worst.objects[0]}]'
    if not path:
        others = dict.fromkeys(other for _, item in items for other in item.others)
        return IssueKind(worst, ', '.join(worst.others), tuple(others), len(items))
    paths = tuple(dict.fromkeys(path for path, _ in items))
    return IssueKind(worst, place, paths, len(paths))


def count_severities(issues: Iterable[Issue]) -> dict[str, int]:
    """Return how many issues there are of each severity."""
    found = [item.severity for item in issues]
    return {severity: found.count(severity) for severity in SEVERITIES}
