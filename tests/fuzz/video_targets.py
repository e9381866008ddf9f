"""Boards, depth images and reconstructions of scenes; see `targets`."""

import json
from pathlib import Path

import cv2
import numpy as np

from cpose.annotation.video.camera_motion.reconstructions import read_reconstruction
from cpose.metric_scale.board_pose import read_pattern
from cpose.metric_scale.depth_images import read_depth

from .mutations import spoil_bytes, spoil_tree

BOARDS = (
    {'kind': 'charuco', 'squares': [7, 5], 'square_mm': 30, 'marker_mm': 22},
    {'kind': 'chessboard', 'squares': [7, 5], 'square_mm': 30},
    {'kind': 'marker', 'id': 1, 'marker_mm': 40, 'dictionary': '4X4'},
)
POSE = np.eye(4).tolist()
FRAMES = [{'file_path': f'./{number}.png', 'transform_matrix': POSE} for number in range(3)]
LENS = {'fl_x': 600.0, 'fl_y': 600.0, 'cx': 320, 'cy': 240, 'w': 640, 'h': 480, 'k1': 0.1}
TRANSFORMS = {'camera_model': 'OPENCV', **LENS, 'frames': FRAMES}
SCAN = {
    'camera_matrix.csv': '600, 0, 320\n0, 600, 240\n0, 0, 1',
    'odometry.csv': 'timestamp, frame, x, y, z, qx, qy, qz, qw\n0.0, 000000, 0, 1, 2, 0, 0, 0, 1\n',
}
MODEL = {
    'cameras.txt': '# cameras\n1 OPENCV 640 480 600 600 320 240 0.1 0 0 0\n',
    'images.txt': '# images\n1 1 0 0 0 0 1 2 1 a.png\n\n2 1 0 0 0 0 1 2 1 b.png\n\n',
}
BINARY_MODEL = {
    'cameras.bin': np.array([1], '<u8').tobytes()
    + np.array([1, 1], '<i4').tobytes()
    + np.array([640, 480], '<u8').tobytes()
    + np.array([600.0, 600, 320, 240]).tobytes(),
    'images.bin': np.array([1], '<u8').tobytes()
    + np.array([1], '<u4').tobytes()
    + np.array([1.0, 0, 0, 0, 0, 1, 2]).tobytes()
    + np.array([1], '<u4').tobytes()
    + b'a.png\0'
    + np.array([0], '<u8').tobytes(),
}


class ScenesAndScales:
    """What tells the camera of a video, its motion, and lengths."""

    def prepare(self, folder: Path) -> None:
        """Write depth images."""
        self.folder = folder
        depth = np.full((24, 32), 1500, np.uint16)
        cv2.imwrite(str(folder / 'sound.png'), depth)
        cv2.imwrite(str(folder / 'sound.tiff'), depth.astype(np.float32))
        np.save(folder / 'sound.npy', depth / 1000)

    def attack(self, rng: np.random.Generator) -> bool:
        """Spoil one of them and read it."""
        kind = rng.choice(['board', 'transforms', 'scan', 'text model', 'model', 'depth'])
        if kind == 'board':
            read_pattern(self._write_tree(rng, 'board.json', BOARDS[int(rng.integers(3))]))
        elif kind == 'transforms':
            read_reconstruction(self._write_tree(rng, 'transforms.json', TRANSFORMS))
        elif kind == 'depth':
            path = self.folder / f'depth{rng.choice([".png", ".tiff", ".npy"])}'
            sound = self.folder / f'sound{path.suffix}'
            path.write_bytes(spoil_bytes(rng, sound.read_bytes()))
            read_depth(path)
        else:
            files = {'scan': SCAN, 'text model': MODEL, 'model': BINARY_MODEL}[kind]
            read_reconstruction(self._write_files(rng, kind, files))
        return True

    def _write_tree(self, rng: np.random.Generator, name: str, content: dict) -> Path:
        path = self.folder / name
        path.write_text(json.dumps(spoil_tree(rng, content)))
        return path

    def _write_files(self, rng: np.random.Generator, kind: str, files: dict) -> Path:
        folder = self.folder / kind
        folder.mkdir(exist_ok=True)
        chosen = list(files)[int(rng.integers(len(files)))]
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (folder / name).write_bytes(spoil_bytes(rng, data) if name == chosen else data)
        return folder
