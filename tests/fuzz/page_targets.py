"""The server of the annotation page, and the files of others that it reads; see `targets`."""

import json
from pathlib import Path

import cv2
import numpy as np
from starlette.testclient import TestClient

from cpose.annotation.server.app import AnnotationApp
from cpose.annotation.server.editing import Editor
from cpose.annotation.server.pictures import HIDDEN, PictureFolder
from cpose.errors import DataError

from .mutations import spoil_tree

SIZE = (320, 240)
CORNERS = [[100.0, 60], [150, 50], [102, 120], [148, 118], [160, 80], None, None, None]
BOX = {
    'id': 'b1',
    'category': 'carton',
    'corners': CORNERS,
    'soft': [False] * 8,
    'sizes': [0.1, None, None],
    'upright': True,
    'symmetric': 2,
    'visibility': 0.9,
    'source': 'clicked',
}
CAMERA = {'source': 'typed', 'fx': 300.0, 'fy': 300.0, 'cx': 160.0, 'cy': 120.0}
CAMERA['distortion'] = [0.1, 0.0, 0.0, 0.0]


class AnnotationPage:
    """Requests of a page, and annotations and drafts in its folder."""

    def prepare(self, folder: Path) -> None:
        """Write a picture, and let the page save a box and a draft."""
        self.annotation, self.draft = folder / 'a.json', folder / HIDDEN / 'a.json'
        cv2.imwrite(str(folder / 'a.png'), np.zeros((*SIZE[::-1], 3), np.uint8))
        app = AnnotationApp(Editor(PictureFolder(folder))).build()
        self.client = TestClient(app, 'http://127.0.0.1')
        self.place = f'/api/pictures/{self._ask("GET", "/api/pictures")["pictures"][0]["id"]}'
        half = {**BOX, 'id': 'b2', 'corners': [*CORNERS[:2], *[None] * 6]}
        self.request = {'camera': CAMERA, 'objects': [BOX, half], 'is_empty': False}
        self.request['revision'] = self._ask('GET', self.place)['revision']
        self._ask('PUT', self.place, self.request)
        self.kept = {file: json.loads(file.read_text()) for file in (self.annotation, self.draft)}

    def attack(self, rng: np.random.Generator) -> bool:
        """Spoil a file or a request, then read, solve and write."""
        for file, content in self.kept.items():
            file.write_text(json.dumps(content))
        kind = rng.choice(['annotation', 'draft', 'solve', 'save'])
        if kind in ('annotation', 'draft'):
            file = self.annotation if kind == 'annotation' else self.draft
            file.write_text(json.dumps(spoil_tree(rng, self.kept[file])))
            self._ask('GET', '/api/pictures')
            revision = self._ask('GET', self.place)['revision']
            self._ask('PUT', self.place, {**self.request, 'revision': revision})
        elif kind == 'solve':
            fields = {'width': SIZE[0], 'height': SIZE[1], 'camera': CAMERA, 'box': BOX}
            state = self._ask('POST', f'{self.place}/solve', fields)['solution']
            more = {'up': state['up'], 'start': state['state'], 'is_focal_free': True}
            self._ask('POST', f'{self.place}/solve', spoil_tree(rng, {**fields, **more}))
        else:
            request = {**self.request, 'revision': self._ask('GET', self.place)['revision']}
            self._ask('PUT', self.place, spoil_tree(rng, request))
            self._ask('GET', self.place)
        return True

    def _ask(self, method: str, path: str, fields=None):
        headers = {'content-type': 'application/json'}
        body = None if fields is None else json.dumps(fields)
        answer = self.client.request(method, path, content=body, headers=headers)
        if answer.status_code in (409, 422):
            raise DataError(answer.text, argument='request')
        assert answer.status_code == 200, answer.text
        return answer.json()
