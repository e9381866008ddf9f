"""Boxes that a model finds, as the page takes them."""

import warnings
from typing import Any

import numpy as np

from cpose.annotation.server.base import PictureEditor
from cpose.annotation.server.boxes import Box, solution_json, solve_box
from cpose.annotation.server.pictures import Picture
from cpose.apis.inference.camera_io import GuessWarning
from cpose.apis.inference.centerpose_inferencer import CenterPoseInferencer
from cpose.structures.object_pose import ObjectPose

MOST_PROPOSALS = 10


class ModelProposals:
    """Find boxes with a model; a proposal is a box all of whose corners yield to placed ones.

    Args:
        inferencer: The model.
        editor: Knows the camera of each picture.
        score_thr: Objects must score more; None takes that of the model.
    """

    def __init__(
        self,
        inferencer: CenterPoseInferencer,
        editor: PictureEditor,
        score_thr: float | None = None,
    ) -> None:
        self._inferencer = inferencer
        self._editor = editor
        self._score_thr = score_thr

    def __call__(self, picture: Picture) -> list[dict[str, Any]]:
        """Return the boxes of a picture, the best score first.

        Raises:
            DataError: If the picture cannot be read.
        """
        document = self._editor.read(picture)
        image = self._editor.folder.read_picture(picture).image
        camera = document.camera
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', GuessWarning)
            (result,) = self._inferencer(
                [image], camera=camera.intrinsics, score_thr=self._score_thr
            )
        found = []
        for number, pose in enumerate(result.poses[:MOST_PROPOSALS]):
            if not pose.has_pose:
                continue
            box = self._box(pose, number)
            solution = solve_box(box, camera, document.image_wh)
            if solution is not None:
                told = {'score': pose.score, 'solution': solution_json(solution)}
                found.append({**box.says(), **told})
        return found

    def _box(self, pose: ObjectPose, number: int) -> Box:
        assert pose.keypoints_image is not None
        return Box(
            id=f'model-{number}',
            category=pose.category or str(pose.label),
            corners=pose.keypoints_image[1:],
            is_soft=np.ones(8, dtype=bool),
            sizes=np.full(3, np.nan),
            is_upright=False,
            source='model',
        )
