"""How far distances in metres are off, by the source of scale, on rendered scenes of known size.

Run ``python -m benchmarks.accuracy.metres``; it prints a table in Markdown. Poses are those of
corners with noise of 5 % of the object's size and proportions with 8 %; no network is involved.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.accuracy.metric_scenes import MetricScene, make_scene
from cpose.metric_scale.metric_poses import MetricScaling
from cpose.structures.object_pose import ObjectPose

POINT_NOISE, DIMS_NOISE = 0.05, 0.08
META = {'category': ('box',)}


def sources(scene: MetricScene, folder: Path) -> dict[str, Mapping[str, Any]]:
    """Return the configs of what knows the scale of a scene, by name."""
    width, height, length = scene.box.dims.tolist()
    np.save(folder / f'{scene.name}.npy', scene.depth)
    by_name: dict[str, Mapping[str, Any]] = {
        '`--height`': {'type': 'KnownDimensions', 'height': height},
        '`--width --height --length`': {
            'type': 'KnownDimensions',
            'width': width,
            'height': height,
            'length': length,
        },
        '`--camera-height`': {'type': 'CameraHeight', 'metres': scene.scene.camera.height},
        '`--camera-height --camera-pitch`': {
            'type': 'CameraHeight',
            'metres': scene.scene.camera.height,
            'pitch_deg': scene.pitch_deg,
        },
        '`--depth`': {'type': 'DepthImages', 'folder': folder},
    }
    if scene.has_board:
        board = scene.board
        by_name['`--marker`'] = {
            'type': 'MarkerBoard',
            'board': {
                'kind': 'charuco',
                'squares': board.squares,
                'square_mm': board.square_mm,
                'marker_mm': board.marker_mm,
            },
        }
    return by_name


def measure(count: int, on_scene: Callable[[], None] = lambda: None) -> dict[str, list[np.ndarray]]:
    """Return relative errors of distance and of height, and the former in standard deviations.

    Args:
        count: Number of scenes.
        on_scene: Called after each.
    """
    found: dict[str, list[np.ndarray]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            scene = make_scene(number, POINT_NOISE, DIMS_NOISE)
            for name, config in sources(scene, Path(folder)).items():
                pose = MetricScaling(config, META).apply(scene.result, scene).poses[0]
                found.setdefault(name, []).append(_errors(pose, scene))
            on_scene()
    return found


def _errors(pose: ObjectPose, scene: MetricScene) -> np.ndarray:
    if not pose.has_metres:
        return np.full(4, np.nan)
    assert pose.location_cv is not None
    assert pose.metric_scale is not None
    assert pose.metric_scale.location_std is not None
    assert pose.metric_scale.dims_std is not None
    gap = pose.location_cv[2] - scene.location_cv[2]
    size = pose.dims[1] - scene.box.dims[1]
    return np.array(
        [
            gap / scene.location_cv[2],
            size / scene.box.dims[1],
            gap / pose.metric_scale.location_std[2],
            size / max(pose.metric_scale.dims_std[1], 1e-9),
        ]
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--count', type=int, default=60, help='scenes')
    args = parser.parse_args()
    head = ['source', 'distance, %', 'height, %', 'within 1 σ', 'within 2 σ', 'not known']
    rows = [head, ['---', *['---:'] * 5]]
    for name, values in measure(args.count).items():
        errors = np.abs(values)
        known = errors[np.isfinite(errors[:, 0])]
        shares = [f'{100 * (known[:, 2] < sigma).mean():.0f} %' for sigma in (1, 2)]
        middle = [f'{100 * np.median(known[:, column]):.1f}' for column in (0, 1)]
        rows.append([name, *middle, *shares, f'{len(errors) - len(known)} of {len(errors)}'])
    sys.stdout.write(''.join(f'| {" | ".join(row)} |\n' for row in rows))


if __name__ == '__main__':
    main()
