"""The report of a check of data as one HTML page: findings, distributions, the worst pictures."""

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

from cpose.annotation.checks.checking import CheckedFile, DataCheck
from cpose.annotation.checks.issues import NOTE, IssueKind
from cpose.annotation.html_page import (
    ANNOTATED,
    COMPUTED,
    DrawnCuboid,
    add,
    add_cards,
    add_histogram,
    add_legend,
    add_picture,
    clean_text,
    new_page,
    write_page,
)
from cpose.datasets.annotations.annotation import Annotation, read_annotation
from cpose.datasets.conventions.consistency import pose_objects, project_objects
from cpose.datasets.conventions.table import Convention
from cpose.datasets.image_reading import read_image
from cpose.errors import DataError

MOST_PICTURES = 24
OF_ONE_KIND = 3
"""Pictures that are shown of each kind of finding."""
LEAST_OFF = 6
"""Pictures that are shown because their corners are off most, whatever was found."""
LEAST_SHOWN_PX = 0.01
"""Of the errors of corners; those of exact annotations are less, on a logarithmic axis."""
LEAST_OFF_PX = 0.5
MOST_LISTED = 200
"""Files that are listed of one kind."""
MOST_CLASSES = 12


def write_report(path: str | Path, found: DataCheck, convention: Convention | None = None) -> None:
    """Write the report of a check.

    Args:
        path: The page; it needs no other file.
        found: What was found.
        convention: With which the files were read.

    Raises:
        OutputError: If it cannot be written.
    """
    name = ', '.join(found.roots)
    root, body = new_page(f'Data check of {name}', _subtitle(found))
    _add_numbers(body, found)
    _add_kinds(body, found)
    _add_plots(body, found)
    _add_pictures(body, found, convention)
    write_page(path, root)


def _subtitle(found: DataCheck) -> str:
    convention = found.contradictions.convention()
    words = ', '.join(f'{name}={form!r}' for name, form in convention.items())
    return f'To read the files as they are: convention=dict({words})' if words else ''


def _add_numbers(body: Element, found: DataCheck) -> None:
    counts = found.severities()
    spread = found.reprojection_percentiles()
    add_cards(
        body,
        [
            (str(len(found.files)), 'files', ''),
            (str(sum(len(item.objects) for item in found.files)), 'objects', ''),
            (str(found.num_wrong), 'files with errors', 'error' if found.num_wrong else ''),
            (str(counts['warning']), 'warnings', 'warning' if counts['warning'] else ''),
            (str(counts['note']), 'notes', ''),
            *[
                (f'{spread[name]:.2f} px', label, '')
                for name, label in (('50', 'corners off in the median'), ('95', 'at 95 %'))
                if spread[name] == spread[name]
            ],
        ],
    )


def _add_kinds(body: Element, found: DataCheck) -> None:
    add(body, 'h2', 'Findings')
    kinds = found.kinds()
    if not kinds:
        add(body, 'p', 'Nothing was found.')
        return
    table = add(body, 'table')
    head = add(table, 'tr')
    for title in ('', 'files', 'finding', 'where'):
        add(head, 'th', title, class_='number' if title == 'files' else '')
    for kind in kinds:
        row = add(table, 'tr')
        add(row, 'td', kind.example.severity, class_=kind.example.severity)
        unit = 'file' if kind.count == 1 else 'files'
        add(row, 'td', str(kind.count), class_='number', title=unit)
        add(row, 'td', str(kind.example))
        _add_places(add(row, 'td'), kind)


def _add_places(cell: Element, kind: IssueKind) -> None:
    if len(kind.paths) <= 1:
        cell.text = clean_text(kind.place)
        return
    details = add(cell, 'details')
    add(details, 'summary', kind.place)
    places = add(details, 'ul')
    for path in kind.paths[:MOST_LISTED]:
        add(places, 'li', path)
    if len(kind.paths) > MOST_LISTED:
        add(places, 'li', f'and {len(kind.paths) - MOST_LISTED} more, all in the file of --json')


def _add_plots(body: Element, found: DataCheck) -> None:
    objects = [each for item in found.files for each in item.objects]
    if not objects:
        return
    add(body, 'h2', 'Distributions')
    plots = add(body, 'div', class_='plots')
    errors = [max(each.reprojection_px, LEAST_SHOWN_PX) for each in objects]
    add_histogram(plots, 'Corners off from the projected 3D points', errors, 'px')
    add_histogram(plots, 'Distance from the camera', [each.distance for each in objects], '')
    add_histogram(plots, 'Diagonal in the picture', [each.size_px for each in objects], 'px')
    by_class: dict[str, list[float]] = defaultdict(list)
    for each in objects:
        unit = ' (relative)' if each.is_relative else ''
        by_class[f'Longest extent of {each.class_name or "objects"}{unit}'].append(each.longest)
    largest = sorted(by_class.items(), key=lambda pair: -len(pair[1]))
    for title, values in largest[:MOST_CLASSES]:
        add_histogram(plots, title, values, '' if title.endswith(')') else 'm')


def _add_pictures(body: Element, found: DataCheck, convention: Convention | None) -> None:
    shown = list(_select(found))
    if not shown:
        return
    add(body, 'h2', 'The worst pictures')
    legend = add(body, 'div')
    add_legend(
        legend,
        [
            (ANNOTATED, 'projected_cuboid, as annotated (numbered)'),
            (COMPUTED, 'the 3D fields, projected by the camera (dashed)'),
        ],
    )
    pictures = add(body, 'div', class_='pictures')
    for item in shown:
        _add_one(pictures, found, item, convention)


def _select(found: DataCheck) -> Iterator[CheckedFile]:
    """Yield pictures of each kind of finding, then those whose corners are off most."""
    files = {found.name(item): item for item in found.files if item.picture_hash is not None}
    chosen: dict[str, CheckedFile] = {}
    for kind in found.kinds():
        is_of_pair = kind.example.severity == NOTE or kind.example.others
        known = [path for path in kind.paths if path in files]
        for path in known[: 1 if is_of_pair else OF_ONE_KIND]:
            chosen.setdefault(path, files[path])
    measured = [item for item in files.values() if item.objects]
    off = sorted(measured, key=_relative_error, reverse=True)
    for item in off[:LEAST_OFF]:
        if max(each.reprojection_px for each in item.objects) > LEAST_OFF_PX:
            chosen.setdefault(found.name(item), item)
    yield from list(chosen.values())[:MOST_PICTURES]


def _relative_error(item: CheckedFile) -> float:
    known = [
        each.reprojection_px / max(each.size_px, 1.0)
        for each in item.objects
        if each.reprojection_px == each.reprojection_px
    ]
    return max(known, default=0.0)


def _add_one(
    pictures: Element, found: DataCheck, item: CheckedFile, convention: Convention | None
) -> None:
    annotation = None
    if item.annotation_path is not None and not any(i.kind == 'schema' for i in item.issues):
        annotation = read_annotation(os.path.join(item.root, item.annotation_path), convention)
    wanted = None if annotation is None else annotation.image_wh
    try:
        image = read_image(os.path.join(item.root, item.path), wanted)
    except DataError:  # gone since it was checked
        return
    cuboids = [] if annotation is None else annotated_cuboids(annotation)
    caption = add_picture(pictures, image, cuboids, found.name(item))
    for issue in item.issues:
        place = ''.join(f', objects[{number}]' for number in issue.objects[:3])
        line = add(caption, 'div')
        add(line, 'span', issue.severity, class_=issue.severity).tail = None
        add(line, 'span', f' {issue}{place}')
    if not item.issues:
        worst = max(each.reprojection_px for each in item.objects)
        add(caption, 'div', f'corners off by {worst:.2f} px')


def annotated_cuboids(annotation: Annotation) -> list[DrawnCuboid]:
    """Return the objects of a file as annotated, and as their 3D fields are projected."""
    if not len(annotation.fields):
        return []
    annotated = annotation.fields.projected_cuboid
    computed = project_objects(pose_objects([annotation.fields]))
    return [
        cuboid
        for seen, from_3d in zip(annotated, computed, strict=True)
        for cuboid in (
            DrawnCuboid(seen, ANNOTATED, is_numbered=True),
            DrawnCuboid(from_3d, COMPUTED, is_dashed=True),
        )
    ]
