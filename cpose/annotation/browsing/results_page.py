"""A page of predictions beside annotations, the worst first."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from cpose.annotation.browsing.comparison import ComparedImage, Comparison, sort_worst_first
from cpose.annotation.html_page import (
    ANNOTATED,
    COMPUTED,
    DrawnCuboid,
    add,
    add_cards,
    add_histogram,
    add_legend,
    add_picture,
    new_page,
)
from cpose.datasets.image_reading import read_image

BLANK = 96
"""Grey of pictures that are not there."""
GOOD, FAIR = 0.5, 0.25
"""Overlaps that count as found, and as nearly found."""


def results_page(source: str, compared: Comparison, num: int, images: str | None) -> Element:
    """Return a page of predictions beside annotations.

    Args:
        source: File or folder of the predictions, for the title.
        compared: What was predicted and annotated.
        num: Pictures at most, the worst.
        images: Folder of the pictures, where their names do not lead to them.

    Raises:
        DataError: If a picture cannot be read.
    """
    ordered = sort_worst_first(compared.images)[:num]
    left_out = ''.join(f'; {reason}' for reason in compared.left_out)
    root, body = new_page(
        f'Predictions of {source}',
        f'{len(ordered)} of {len(compared.images)} pictures, the worst first{left_out}',
    )
    _add_overview(body, compared)
    add(body, 'h2', 'Pictures')
    add_legend(body, [(ANNOTATED, 'annotated (numbered)'), (COMPUTED, 'predicted (dashed)')])
    pictures = add(body, 'div', class_='pictures')
    for item in ordered:
        _add_compared(pictures, item, compared.measure, images)
    return root


def _add_overview(body: Element, compared: Comparison) -> None:
    """Add numbers of all pictures and the distribution."""
    overlaps = np.concatenate([item.overlaps for item in compared.images] or [np.zeros(0)])
    overlaps = overlaps[np.isfinite(overlaps)]
    num_good, num_missed = int((overlaps >= GOOD).sum()), int((overlaps == 0).sum())
    add_cards(
        body,
        [
            (str(len(compared.images)), 'pictures', ''),
            (str(len(overlaps)), 'objects', ''),
            (str(num_good), f'found, {compared.measure} of {GOOD} or more', ''),
            (str(num_missed), 'missed', 'error' if num_missed else ''),
        ],
    )
    add(body, 'h2', 'Distribution')
    plots = add(body, 'div', class_='plots')
    title = f'{compared.measure[0].upper()}{compared.measure[1:]} of the objects'
    add_histogram(plots, title, overlaps.tolist(), '', (0.0, 1.0))


def _add_compared(pictures: Element, item: ComparedImage, measure: str, images: str | None) -> None:
    cuboids = [DrawnCuboid(points, ANNOTATED, is_numbered=True) for points in item.annotated]
    cuboids += [DrawnCuboid(points, COMPUTED, is_dashed=True) for points in item.predicted]
    pixels, is_there = _find_picture(item, images)
    caption = add_picture(pictures, pixels, cuboids, item.name)
    for number, overlap in enumerate(item.overlaps.tolist()):
        if overlap == overlap:
            style = 'note' if overlap >= GOOD else 'warning' if overlap >= FAIR else 'error'
            name = _named(f'objects[{number}]', item.annotated_classes, number)
            add(caption, 'div', f'{name}: {measure} {overlap:.2f}', class_=style)
    scores = [
        _named(f'{score:.2f}', item.predicted_classes, number)
        for number, score in enumerate(item.scores.tolist())
    ]
    text = f'predicted with scores {", ".join(scores)}' if scores else 'nothing predicted'
    add(caption, 'div', text)
    if not is_there:
        add(caption, 'div', 'The picture is not there; name its folder with --images')


def _named(text: str, classes: Sequence[str | None], number: int) -> str:
    """Return a text with the class of an object behind it, where there are several."""
    name = classes[number] if classes else None
    return f'{text} ({name})' if name else text


def _find_picture(item: ComparedImage, images: str | None) -> tuple[np.ndarray, bool]:
    """Return the picture of a result, or a grey one, and whether it is there.

    Of a folder that has been moved the end of the old path is looked for, the longest first.
    """
    name = Path(item.name)
    parts = name.relative_to(name.anchor).parts
    ends = [Path(images, *parts[number:]) for number in range(len(parts))] if images else []
    for path in [*ends, name]:
        if path.is_file():
            return read_image(str(path), item.image_wh), True
    width, height = item.image_wh
    return np.full((height, width, 3), BLANK, dtype=np.uint8), False
