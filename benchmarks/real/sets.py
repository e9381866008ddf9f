"""The sets of annotated photographs and their rules.

Pictures of one scene are much alike, so every set has one vote in the mean, however many pictures
it has. None of the photographs is part of this project.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cpose.datasets.annotations.annotation import Annotation, read_annotation
from cpose.datasets.annotations.file_index import IMAGE_EXTENSIONS

DATA_VARIABLE = 'CPOSE_SHARED_DATA'
DEFAULT_DATA = Path(__file__).parents[3] / 'shared' / 'data'


@dataclass(frozen=True)
class RealSet:
    """Photographs with one JSON file each.

    Attributes:
        name: How it is called in tables.
        folder: Name below the data folder, or a path.
        parity: Remainder by two of the frame numbers that belong to it; None for all pictures.
        is_complete: Whether every box in view is annotated. Where some are not, predictions of
            those would count as false positives, so these are not added up.
        note: What is in it, how exact the annotations are, and what it is used for.
        origin: Who made it, and its licence.
        may_be_shown: Whether pictures of predictions may be published.
    """

    name: str
    folder: str
    parity: int | None = None
    is_complete: bool = True
    note: str = ''
    origin: str = ''
    may_be_shown: bool = False


TUM = 'J. Sturm et al., TUM RGB-D, freiburg3_cabinet, CC BY 4.0'
KNOWN_SETS = (
    RealSet(
        'real_boxes',
        'real_boxes',
        note='boxes on desks; corners clicked by hand, 0.9 to 1.6 px',
        origin='CenterPose test data, no licence file',
    ),
    RealSet(
        'cabinet',
        'cabinet',
        parity=1,
        note='odd frames around one cabinet, large in the picture; motion capture, 0.2 px',
        origin=TUM,
        may_be_shown=True,
    ),
    RealSet(
        'biscuit_video',
        'biscuit_video',
        note='a flat carton in a hand; tracked, 0.7 px, depth of the box to 7 %',
        origin='OpenCV documentation, Apache-2.0',
        may_be_shown=True,
    ),
    RealSet(
        'ycb_boxes',
        'ycb_boxes',
        is_complete=False,
        note='small groceries in clutter, 6 scenes; published poses, 2 to 5 px. Cardboard boxes in '
        'the background and a block of wood are not annotated',
        origin='YCB-Video, University of Washington, MIT',
        may_be_shown=True,
    ),
    RealSet(
        'parcels',
        'parcels',
        note='one parcel on two floors; published corners, 20 of 4,032 px',
        origin='a-nau/tampar, MIT',
        may_be_shown=True,
    ),
)
"""Those that are judged by default."""

ADAPTATION_SETS = (
    RealSet(
        'cabinet_even',
        'cabinet',
        parity=0,
        note='even frames of the cabinet: free for trials of adaptation, never in the mean',
        origin=TUM,
        may_be_shown=True,
    ),
)
"""Those that a model may have seen."""


@dataclass(frozen=True)
class AnnotatedPhotograph:
    """One picture.

    Attributes:
        path: The image file.
        annotation: What the JSON file beside it says.
    """

    path: Path
    annotation: Annotation


def default_data_folder() -> Path:
    """Return the folder that the environment names, else the one beside the repository."""
    return Path(os.environ.get(DATA_VARIABLE) or DEFAULT_DATA)


def choose_sets(names: Sequence[str] | None) -> list[RealSet]:
    """Return sets by name; every other name is a folder of its own, annotated completely."""
    known = {item.name: item for item in (*KNOWN_SETS, *ADAPTATION_SETS)}
    if names is None:
        return list(KNOWN_SETS)
    return [
        known.get(name) or RealSet(Path(name).name, str(Path(name).resolve())) for name in names
    ]


def read_set(chosen: RealSet, data: Path) -> list[AnnotatedPhotograph]:
    """Return the pictures of a set by name, none where the folder is missing.

    Raises:
        DataError: If an annotation cannot be read.
    """
    images = [
        path
        for path in sorted((data / chosen.folder).glob('*'))
        if path.suffix.lower() in IMAGE_EXTENSIONS and path.with_suffix('.json').is_file()
    ]
    kept = [path for path in images if chosen.parity in (None, frame_number(path) % 2)]
    return [AnnotatedPhotograph(path, read_annotation(path.with_suffix('.json'))) for path in kept]


def frame_number(path: Path) -> int:
    """Return the last number in the name of a file, 0 without one."""
    numbers = re.findall(r'\d+', path.stem)
    return int(numbers[-1]) if numbers else 0
