"""From files to a document, and from what the page sends back to files."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cpose.annotation.cuboid_solver import MOST_DEVIATION, CuboidSolution
from cpose.annotation.server.boxes import (
    Box,
    ground_plane,
    parse_box,
    solve_box,
    stored_box,
)
from cpose.annotation.server.cameras import (
    SOURCES,
    PictureCamera,
    known_cameras,
    parse_camera,
)
from cpose.annotation.server.pictures import (
    WRITER,
    ConflictError,
    Document,
    Picture,
    PictureFolder,
    annotated_size,
    written_ids,
)
from cpose.apis.inference.calibration import Camera
from cpose.apis.inference.camera_io import CameraLike, make_camera
from cpose.datasets.annotations.annotation import find_convention, parse_annotation
from cpose.datasets.image_reading import read_photo
from cpose.error_places import FilePlace
from cpose.errors import DataError
from cpose.files.json_files import JsonFields
from cpose.files.text_files import read_bytes

MOST_BOXES = 100
FOCAL = 'focal length'


class Editor:
    """Read and change the documents of a folder.

    Args:
        folder: The pictures.
        camera: Of all pictures, None where each has its own.
    """

    is_video = False
    is_writing = False

    def __init__(self, folder: PictureFolder, camera: CameraLike | None = None) -> None:
        self.folder = folder
        self._camera = None if camera is None else make_camera(camera)
        self._sizes: dict[tuple[str, int], tuple[int, int]] = {}

    def read(self, picture: Picture) -> Document:
        """Return what is known of a picture.

        Raises:
            DataError: If a file of it cannot be used.
        """
        revision = self.folder.revision(picture)
        content, drafts = self.folder.read_content(picture), self.folder.read_drafts(picture)
        image_wh = self._image_wh(picture, content)
        boxes = [] if content is None else read_stored(content, picture, image_wh)
        known = self.known_cameras(picture, content, image_wh)
        camera = next(iter(known.values()))
        if content is None and 'camera' in drafts:
            camera = parse_camera(JsonFields(drafts['camera'], str(picture.draft_path)), known)
        done = written_ids(content)
        items = JsonFields({'objects': drafts.get('objects', [])}, str(picture.draft_path))
        drawn = [parse_box(item, image_wh) for item in items.list_of_fields('objects')]
        boxes += [box for box in drawn if box.id not in done]
        return Document(
            picture, image_wh, camera, tuple(boxes), content is not None, revision, content
        )

    def known_cameras(
        self, picture: Picture, content: Mapping[str, Any] | None, image_wh: tuple[int, int]
    ) -> dict[str, PictureCamera]:
        """Return the cameras that a picture may have, that of its annotation first."""
        stored = None if content is None else _stored_camera(content)
        given = self._camera
        if given is not None and not isinstance(given, Camera):
            given = given.of_image(picture.path)
        given = None if given is None else given.for_image(image_wh)
        known = known_cameras(read_bytes(str(picture.image_path)), image_wh, given)
        return (
            known if stored is None else {stored.source: stored} | known | {stored.source: stored}
        )

    def change(self, picture: Picture, request: JsonFields) -> Document:
        """Bring what the page sends to the disk, and return what is there then.

        Args:
            picture: Which one.
            request: ``revision``, ``camera``, ``objects`` and ``is_empty``: whether the picture is
                known to show no object.

        Raises:
            ConflictError: If the files have changed meanwhile.
            DataError: If a value is wrong.
            OutputError: If a file cannot be written.
        """
        before = self.read(picture)
        if request.get('revision') != before.revision:
            raise ConflictError
        known = self.known_cameras(picture, before.content, before.image_wh)
        camera = parse_camera(request.fields('camera'), known)
        items = request.list_of_fields('objects')
        if len(items) > MOST_BOXES:
            raise request.error('objects', f'must be at most {MOST_BOXES}')
        boxes = [parse_box(item, before.image_wh) for item in items]
        if len({box.id for box in boxes}) < len(boxes):
            raise request.error('objects', 'must have an id each of its own')
        boxes, camera = solve_all(boxes, camera, before)
        content = self._content(before, boxes, camera, request.get('is_empty') is True)
        drafts = _drafts(boxes, camera, content)
        with self.folder.changing(picture, before.revision):
            self.folder.write(picture, content, drafts)
        after = self.read(picture)
        return replace(after, boxes=_with_solutions(after.boxes, boxes))

    def solve(self, picture: Picture, fields: JsonFields) -> CuboidSolution | None:
        """Return the posed box for corners that are not saved yet.

        Args:
            picture: In which.
            fields: ``width``, ``height``, ``camera``, ``is_focal_free``, ``box``, ``up`` and
                ``start``: the state of an earlier solution.

        Raises:
            DataError: If a value is wrong.
        """
        image_wh = (fields.positive_int('width'), fields.positive_int('height'))
        camera = parse_camera(fields.fields('camera'), {})
        if fields.get('is_focal_free') is True:
            camera = replace(camera, source='estimated')
        return solve_box(
            parse_box(fields.fields('box'), image_wh),
            camera,
            image_wh,
            fields.array('up', (3,)) if fields.has('up') else None,
            _start(fields),
            is_whole=False,
        )

    def _content(
        self, before: Document, boxes: Sequence[Box], camera: PictureCamera, is_empty: bool
    ) -> dict[str, Any] | None:
        """Return the content of the annotation file, None if there shall be none."""
        posed = [box for box in boxes if box.is_posed]
        old = before.content or {}
        is_own = before.content is None or old.get('annotated_with') == WRITER
        if not posed and is_own and not is_empty:
            return None
        content = copy.deepcopy(old) or {'annotated_with': WRITER}
        if before.content is None or not camera.is_same(before.camera):
            content['camera_data'] = camera.to_content(before.image_wh)
        if is_own:
            content |= ground_plane(posed)
        content['objects'] = [box.to_object(number) for number, box in enumerate(posed)]
        return content

    def _image_wh(self, picture: Picture, content: Mapping[str, Any] | None) -> tuple[int, int]:
        """Return width and height of the pixels that training sees."""
        wanted = annotated_size(dict(content or {}))
        key = (f'{picture.id} {wanted}', picture.stamp())
        if key not in self._sizes:
            self._sizes[key] = read_photo(str(picture.image_path), wanted).image_wh
        if wanted is not None and wanted != self._sizes[key]:
            width, height = self._sizes[key]
            raise DataError(
                f'is the annotation of {wanted[0]}×{wanted[1]} pixels, the picture has '
                f'{width}×{height}',
                place=FilePlace(picture.json_path),
                advice='Move one of both to another folder',
            )
        return self._sizes[key]


def _start(fields: JsonFields) -> np.ndarray | None:
    """Return the state that a solution is to begin with, None without one."""
    start = fields.get('start')
    return fields.array('start', (len(start),)) if isinstance(start, list) else None


def read_stored(
    content: Mapping[str, Any], picture: Picture, image_wh: tuple[int, int]
) -> list[Box]:
    """Return the boxes of an annotation file.

    Raises:
        DataError: If it is none in the format, or written as another program does.
    """
    path = str(picture.json_path)
    root = JsonFields(content, path)
    parse_annotation(content, path)
    if find_convention(root):
        raise DataError(
            'is written in the conventions of another program',
            place=FilePlace(path),
            advice='Convert the folder with cpose check-data DIR --fix OUT',
        )
    items = root.list_of_fields('objects')
    return [
        stored_box(item, content['objects'][number], number) for number, item in enumerate(items)
    ]


def solve_all(
    boxes: Sequence[Box], camera: PictureCamera, before: Document
) -> tuple[list[Box], PictureCamera]:
    """Pose the boxes that changed; an estimated focal length is the one that suits all of them.

    Args:
        boxes: As the page sends them.
        camera: Of the picture.
        before: What was there; boxes that say the same keep their pose.

    Returns:
        The boxes with their poses, and the camera with its estimated focal length.
    """
    old = {box.id: box for box in before.boxes}
    is_changed = [
        box.id not in old or not box.has_same_geometry(old[box.id]) or not old[box.id].is_posed
        for box in boxes
    ]
    is_other_camera = camera.source != before.camera.source or not camera.is_same(before.camera)
    if not any(is_changed) and not is_other_camera and len(old) == len(boxes):
        return [_keep(box, old) for box in boxes], before.camera
    open_names: Sequence[tuple[str, ...]] = [()] * len(boxes)
    if camera.is_estimated:
        camera, open_names = estimate_camera(boxes, camera, before.image_wh)
    is_moved = not camera.is_same(before.camera)
    known = PictureCamera('typed', camera.intrinsics, camera.distortion)
    posed: list[Box] = []
    up_cv = None
    for box, changed, names in zip(boxes, is_changed, open_names, strict=True):
        if not changed and not is_moved:
            posed.append(_keep(box, old))
            continue
        solution = solve_box(box, known, before.image_wh, up_cv, is_estimate=camera.is_estimated)
        if solution is not None:
            names = tuple(dict.fromkeys((*solution.undetermined, *names)))
            solution = replace(solution, undetermined=names)
        stored = old[box.id].stored if box.id in old and solution is not None else None
        posed.append(replace(box, solution=solution, stored=stored))
        if up_cv is None and solution is not None and box.is_upright:
            up_cv = solution.rotation[:, 1]
    return posed, camera


def estimate_camera(
    boxes: Sequence[Box], camera: PictureCamera, image_wh: tuple[int, int]
) -> tuple[PictureCamera, list[tuple[str, ...]]]:
    """Estimate the focal length that the boxes of a picture have in common.

    Each box with placed corners tells its logarithm with a standard deviation; their weighted mean
    counts, and without any the focal length of a phone.

    Returns:
        The camera, and for each box what its view leaves open because of the focal length.
    """
    base = known_cameras(b'', image_wh, None)['estimated']
    found = [None if box.is_soft.all() else solve_box(box, camera, image_wh) for box in boxes]
    told = [
        (np.log(item.intrinsics[0, 0]), item.deviations[FOCAL] ** -2)
        for item in found
        if item is not None and item.deviations[FOCAL] < 2 * MOST_DEVIATION[FOCAL]
    ]
    if not told:
        return base, [(FOCAL,)] * len(boxes)
    values, weights = zip(*told, strict=True)
    intrinsics = base.intrinsics.copy()
    intrinsics[[0, 1], [0, 1]] = np.exp(np.average(values, weights=weights))
    is_open = sum(weights) ** -0.5 > MOST_DEVIATION[FOCAL]
    return PictureCamera('estimated', intrinsics), [(FOCAL,) if is_open else ()] * len(boxes)


def _keep(box: Box, old: Mapping[str, Box]) -> Box:
    return replace(box, solution=old[box.id].solution, stored=old[box.id].stored)


def _stored_camera(content: Mapping[str, Any]) -> PictureCamera | None:
    annotation = parse_annotation(content, 'annotation')
    if annotation.intrinsics is None:
        return None
    source = str(content['camera_data'].get('intrinsics_source'))
    return PictureCamera(
        source if source in SOURCES else 'annotation',
        annotation.intrinsics,
        annotation.distortion,
    )


def _drafts(
    boxes: Sequence[Box], camera: PictureCamera, content: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """Return what is not finished, None if nothing is."""
    objects = [box.says() for box in boxes if not box.is_posed]
    if not objects and (content is not None or camera.is_estimated):
        return None
    return {'camera': camera.to_json(), 'objects': objects}


def _with_solutions(read: Sequence[Box], solved: Sequence[Box]) -> tuple[Box, ...]:
    """Return boxes as the file holds them, with what the solver tells beyond that."""
    solutions = {box.id: box.solution for box in solved}
    return tuple(replace(box, solution=solutions.get(box.id)) for box in read)
