"""Self-contained HTML pages: elements, histograms and pictures with cuboids.

Pages are trees of `xml.etree.ElementTree`, whose writer escapes every text and attribute, so
nothing that stands in a file of data can become markup. There is no script in them.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unicodedata import category
from xml.etree.ElementTree import Element, SubElement, tostring

import cv2
import numpy as np

from cpose.files.atomic import write_atomic
from cpose.files.outputs import MARK
from cpose.structures.cuboid import EDGES

STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --ink: #1d2433; --soft: #5b6475;
  --line: #dfe3ea; --bar: #4a7dd8; --error: #c62f3b; --warning: #9a6200; --note: #5b6475; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171d; --card: #1d222b; --ink: #e7eaf0;
  --soft: #a0a9b8; --line: #343b48; --bar: #6f9df0; --error: #ff7a80; --warning: #f0b44c;
  --note: #a0a9b8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 20px 60px; max-width: 1240px; background: var(--ground);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 24px; margin: 0 0 2px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 34px 0 10px; }
p { margin: 4px 0 10px; color: var(--soft); }
.cards, .plots, .pictures { display: grid; gap: 14px; }
.cards { grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); margin-top: 16px; }
.plots { grid-template-columns: repeat(auto-fill, minmax(min(330px, 100%), 1fr)); }
.pictures { grid-template-columns: repeat(auto-fill, minmax(min(370px, 100%), 1fr)); }
.card, figure, table { background: var(--card); border: 1px solid var(--line);
  border-radius: 8px; }
.card { padding: 10px 14px; }
.card b { display: block; font-size: 24px; line-height: 1.25; }
.card span { color: var(--soft); }
table { border-collapse: separate; border-spacing: 0; width: 100%; overflow: hidden; }
th, td { text-align: left; vertical-align: top; padding: 7px 12px;
  border-top: 1px solid var(--line); overflow-wrap: anywhere; }
tr:first-child > th { border-top: 0; color: var(--soft); font-weight: 600; }
td:first-child, th.number, td.number { white-space: nowrap; overflow-wrap: normal; }
td.number, th.number { text-align: right; }
.error, .warning, .note { font-weight: 600; }
.error { color: var(--error); } .warning { color: var(--warning); } .note { color: var(--note); }
details summary { cursor: pointer; } details ul { margin: 4px 0 0; padding-left: 18px; }
figure { margin: 0; padding: 10px; }
figure svg { display: block; width: 100%; height: auto; border-radius: 4px; }
figcaption { padding: 6px 2px 0; overflow-wrap: anywhere; font-size: 14px; }
figcaption div { color: var(--soft); }
.axis { fill: var(--soft); font-size: 11px; } .bar { fill: var(--bar); }
.base { stroke: var(--line); }
@media (max-width: 640px) {
  table, tbody { display: block; } tr:has(th) { display: none; }
  tr { display: grid; grid-template-columns: auto 1fr; border-top: 1px solid var(--line); }
  td { border: 0; padding: 4px 12px; } td.number { text-align: left; }
  td.number::after { content: ' ' attr(title); }
  td:nth-child(n+3) { grid-column: 1 / -1; }
}
.key { display: inline-block; width: 22px; border-top: 3px solid; margin: 0 5px 4px 14px; }
"""
ANNOTATED, COMPUTED = '#ffb020', '#22d3ee'
"""Colours of cuboids on pictures, which are the same on a light and a dark page."""
LONGEST_SIDE = 640
JPEG_QUALITY = 80
BINS = 32
PLOT_W, PLOT_H, PLOT_FOOT = 330, 130, 20
LOG_RATIO = 50
"""Between the greatest and the least value, from which on the axis is logarithmic."""
FARTHEST = 4.0
"""Image sides beyond the picture, where lines end."""
ADVICE = ('Choose another place', 'Make room')


@dataclass(frozen=True)
class DrawnCuboid:
    """A cuboid to be drawn on a picture.

    Attributes:
        points: (9, 2) pixels, NaN where unknown.
        color: Of its lines.
        is_dashed: Whether its lines are dashed.
        is_numbered: Whether its corners are numbered.
    """

    points: np.ndarray
    color: str = ANNOTATED
    is_dashed: bool = False
    is_numbered: bool = False


def add(parent: Element, tag: str, text: str = '', **attributes: str) -> Element:
    """Add an element to another one and return it; ``class_`` stands for ``class``."""
    named = {name.rstrip('_').replace('_', '-'): value for name, value in attributes.items()}
    element = SubElement(parent, tag, {key: clean_text(value) for key, value in named.items()})
    element.text = clean_text(text) or None
    return element


def clean_text(text: str) -> str:
    """Return text without what HTML cannot hold: control characters and half code points."""
    whole = text.encode('utf-8', 'replace').decode()
    if whole.isprintable():
        return whole
    return ''.join(
        letter if letter.isprintable() or category(letter) == 'Zs' else '\N{REPLACEMENT CHARACTER}'
        for letter in whole
    )


def new_page(title: str, subtitle: str) -> tuple[Element, Element]:
    """Return the root and the body of a page."""
    root = Element('html', {'lang': 'en'})
    head = add(root, 'head')
    add(head, 'meta', charset='utf-8')
    add(head, 'meta', name='generator', content=MARK.decode())
    add(head, 'meta', name='viewport', content='width=device-width, initial-scale=1')
    add(head, 'title', title)
    SubElement(head, 'style').text = STYLE
    body = add(root, 'body')
    add(body, 'h1', title)
    add(body, 'p', subtitle)
    return root, body


def write_page(path: str | Path, root: Element) -> None:
    """Write a page.

    Raises:
        OutputError: If it cannot be written.
    """
    text = '<!DOCTYPE html>\n' + tostring(root, encoding='unicode', method='html') + '\n'
    write_atomic(path, text.encode(), ADVICE)


def add_cards(body: Element, numbers: Sequence[tuple[str, str, str]]) -> None:
    """Add large numbers: value, what it counts, and a class of the style."""
    cards = add(body, 'div', class_='cards')
    for value, label, style in numbers:
        card = add(cards, 'div', class_='card')
        add(card, 'b', value, class_=style)
        add(card, 'span', label)


def add_legend(parent: Element, entries: Sequence[tuple[str, str]]) -> None:
    """Add what the colours of lines mean: colour and words."""
    line = add(parent, 'p')
    for color, words in entries:
        key = add(line, 'span', class_='key', style=f'border-color: {color}')
        key.tail = clean_text(words)


def add_picture(
    parent: Element, image: np.ndarray, cuboids: Sequence[DrawnCuboid], title: str
) -> Element:
    """Add a picture with cuboids and a title; returns its caption for further lines.

    Args:
        parent: Where to add it.
        image: (H, W, 3) uint8 BGR.
        cuboids: In pixels of the image.
        title: First line of the caption.
    """
    figure = add(parent, 'figure')
    add_drawing(figure, image, cuboids, title)
    caption = add(figure, 'figcaption')
    add(caption, 'b', title)
    return caption


def add_drawing(
    parent: Element, image: np.ndarray, cuboids: Sequence[DrawnCuboid], label: str
) -> None:
    """Add a picture with cuboids alone, see `add_picture`; the label is for screen readers."""
    height, width = image.shape[:2]
    svg = add(parent, 'svg', viewBox=f'0 0 {width} {height}', role='img', aria_label=label)
    add(svg, 'image', href=_data_uri(image), width=str(width), height=str(height))
    for cuboid in cuboids:
        _add_cuboid(svg, cuboid, max(width, height))


def spread(count: int, num: int) -> list[int]:
    """Return at most ``num`` numbers below ``count``, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(num, count)).round().astype(int)).tolist()


def _data_uri(image: np.ndarray) -> str:
    scale = min(1.0, LONGEST_SIDE / max(image.shape[:2]))
    if scale < 1:
        size = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    return f'data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}'


def _add_cuboid(svg: Element, cuboid: DrawnCuboid, side: int) -> None:
    """Draw edges and corners in units of the picture's longer side."""
    points, stroke = cuboid.points, side / 220
    is_drawn = np.isfinite(points).all(axis=1) & (np.abs(points) < FARTHEST * side).all(axis=1)
    group = add(svg, 'g', stroke=cuboid.color, stroke_width=f'{stroke:.2f}', stroke_linecap='round')
    if cuboid.is_dashed:
        group.set('stroke-dasharray', f'{2.2 * stroke:.2f} {2.2 * stroke:.2f}')
    for first, second in EDGES:
        if is_drawn[first + 1] and is_drawn[second + 1]:
            (x1, y1), (x2, y2) = points[[first + 1, second + 1]].round(1).tolist()
            add(group, 'line', x1=str(x1), y1=str(y1), x2=str(x2), y2=str(y2))
    if not cuboid.is_numbered:
        return
    texts = add(
        svg, 'g', fill='#fff', stroke='#000', stroke_width=f'{stroke / 1.5:.2f}',
        paint_order='stroke', font_size=f'{side / 36:.1f}', font_family='sans-serif',
    )  # fmt: skip
    for number in np.flatnonzero(is_drawn).tolist():
        x, y = points[number].round(1).tolist()
        add(texts, 'text', str(number), x=str(x), y=str(y))


def add_histogram(
    parent: Element,
    title: str,
    values: Sequence[float],
    unit: str,
    bounds: tuple[float, float] | None = None,
) -> None:
    """Add the distribution of values as a drawing; nothing if none is finite.

    Args:
        parent: Where to add it.
        title: What the values are.
        values: NaN does not count.
        unit: Of the values.
        bounds: Ends of the axis, those of the values by default.
    """
    known = np.array(values, dtype=np.float64)
    known = known[np.isfinite(known)]
    if not len(known):
        return
    low, high = bounds or (float(known.min()), float(known.max()))
    is_log = low > 0 and high / low > LOG_RATIO
    edges = np.geomspace(low, high, BINS + 1) if is_log else np.linspace(low, high, BINS + 1)
    figure = add(parent, 'figure')
    caption = Element('figcaption')
    add(caption, 'b', title)
    if high - low <= 1e-9 * max(abs(high), 1.0):
        add(caption, 'div', f'{len(known)} values, all {high:.3g} {unit}')
        figure.append(caption)
        return
    counts = np.histogram(known, edges)[0]
    svg = add(figure, 'svg', viewBox=f'0 0 {PLOT_W} {PLOT_H + PLOT_FOOT}', role='img')
    svg.set('aria-label', clean_text(title))
    step, top = PLOT_W / BINS, counts.max()
    for number, count in enumerate(counts.tolist()):
        size = count / top * (PLOT_H - 6)
        bar = add(
            svg, 'rect', class_='bar', x=f'{number * step + 1:.1f}', y=f'{PLOT_H - size:.1f}',
            width=f'{step - 2:.1f}', height=f'{size:.1f}',
        )  # fmt: skip
        add(bar, 'title', f'{edges[number]:.4g} to {edges[number + 1]:.4g} {unit}: {count}')
    add(svg, 'line', class_='base', x1='0', x2=str(PLOT_W), y1=str(PLOT_H), y2=str(PLOT_H))
    for x, anchor, value in (
        (0, 'start', edges[0]), (PLOT_W / 2, 'middle', edges[BINS // 2]), (PLOT_W, 'end', edges[-1])
    ):  # fmt: skip
        text = f'{value:.3g} {unit}'
        add(svg, 'text', text, class_='axis', x=str(x), y=str(PLOT_H + 14), text_anchor=anchor)
    figure.append(caption)
    scale = ', logarithmic' if is_log else ''
    add(caption, 'div', f'{len(known)} values{scale}, median {np.median(known):.3g} {unit}')
