"""The web application: routes of the page, all answers as JSON but pictures and the page itself."""

import json
from collections import OrderedDict
from collections.abc import Iterator
from functools import partial
from importlib.resources import files
from threading import Lock
from typing import Any

import cv2
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cpose.annotation.server.base import PictureEditor, Proposer
from cpose.annotation.server.boxes import solution_json
from cpose.annotation.server.cameras import SOURCES
from cpose.annotation.server.pictures import ConflictError, Document, Picture
from cpose.errors import DataError, UserError, plain_message
from cpose.files.image_header import read_image_header
from cpose.files.json_files import JsonFields

PAGE = files('cpose.annotation') / 'page'
KINDS = {
    '.html': 'text/html; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.svg': 'image/svg+xml',
}
MOST_BYTES = 1 << 20
JPEG_QUALITY = 92
KEPT_PICTURES = 4


class JsonAnswer(JSONResponse):
    """JSON in ASCII: names of files may hold bytes that are no text."""

    def render(self, content: Any) -> bytes:
        """Return the body of an answer."""
        return json.dumps(content, allow_nan=False, separators=(',', ':')).encode()


class AnnotationApp:
    """Answer the page.

    Args:
        editor: Reads and writes.
        categories: Names that the page offers first.
        proposer: Finds boxes, None without a model.
        is_read_only: Whether nothing may be changed.
    """

    def __init__(
        self,
        editor: PictureEditor,
        categories: tuple[str, ...] = (),
        proposer: Proposer | None = None,
        is_read_only: bool = False,
    ) -> None:
        self._editor = editor
        self._is_read_only = is_read_only
        self._categories = categories
        self._proposer = proposer
        self._jpegs: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._proposals: dict[str, list[dict[str, Any]]] = {}
        self._lock, self._model_lock = Lock(), Lock()

    def build(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route('/', self._index),
                Route('/page/{name}', self._page_file),
                Route('/api/pictures', self._list),
                Route('/api/pictures/{id}', self._read, methods=['GET']),
                Route('/api/pictures/{id}', self._change, methods=['PUT']),
                Route('/api/pictures/{id}/image', self._image),
                Route('/api/pictures/{id}/proposals', self._propose),
                Route('/api/pictures/{id}/solve', self._solve, methods=['POST']),
            ],
            exception_handlers={UserError: _tell_user_error, ConflictError: _tell_conflict},
        )

    def _index(self, request: Request) -> Response:
        return page_file('index.html')

    def _page_file(self, request: Request) -> Response:
        return page_file(request.path_params['name'])

    def _list(self, request: Request) -> Response:
        folder = self._editor.folder
        pictures = [
            {'id': picture.id, 'path': picture.path, **folder.state(picture)}
            for picture in folder.pictures.values()
        ]
        return JsonAnswer(
            {
                'folder': folder.root.name,
                'pictures': pictures,
                'left_out': folder.left_out,
                'categories': self._categories,
                'has_model': self._proposer is not None,
                'sources': SOURCES,
                'is_video': self._editor.is_video,
                'is_writing': self._editor.is_writing,
                'is_read_only': self._is_read_only,
            }
        )

    def _read(self, request: Request) -> Response:
        return self._answer(self._editor.read(self._find(request)))

    async def _change(self, request: Request) -> Response:
        if self._is_read_only:
            return JsonAnswer({'error': 'The pictures are open to look at only.'}, 403)
        picture, fields = self._find(request), await read_fields(request)
        document = await run_in_threadpool(self._editor.change, picture, fields)
        return self._answer(document)

    def _image(self, request: Request) -> Response:
        picture = self._find(request)
        key = (picture.id, str(picture.stamp()))
        with self._lock:
            content = self._jpegs.get(key)
        if content is None:
            content = self._jpeg_of(picture)
            with self._lock:
                self._jpegs[key] = content
                while len(self._jpegs) > KEPT_PICTURES:
                    self._jpegs.popitem(last=False)
        return Response(content, media_type='image/jpeg')

    def _jpeg_of(self, picture: Picture) -> bytes:
        """Return what the browser shows of a picture: its file, if that is what training sees."""
        content = self._editor.folder.read_file(picture)
        header = read_image_header(content)
        is_plain = header is not None and (header.format, header.bits) == ('JPEG', 8)
        if header is not None and is_plain and header.orientation == 1:
            return content
        image = self._editor.folder.read_picture(picture).image
        quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
        return cv2.imencode('.jpg', image, quality)[1].tobytes()

    def _propose(self, request: Request) -> Response:
        picture = self._find(request)
        with self._model_lock:
            if picture.id not in self._proposals:
                found = self._proposer(picture) if self._proposer else []
                self._proposals[picture.id] = found
        return JsonAnswer({'proposals': self._proposals[picture.id]})

    async def _solve(self, request: Request) -> Response:
        picture, fields = self._find(request), await read_fields(request)
        return JsonAnswer(await run_in_threadpool(partial(self._solve_box, picture, fields)))

    def _solve_box(self, picture: Picture, fields: JsonFields) -> dict[str, Any]:
        """Return the posed box for corners that are not saved yet."""
        solution = self._editor.solve(picture, fields)
        return {'solution': None if solution is None else solution_json(solution)}

    def _find(self, request: Request) -> Picture:
        name = request.path_params['id']
        picture = self._editor.folder.pictures.get(name)
        if picture is None:
            raise DataError('is no picture of this folder', argument='id', value=name)
        return picture

    def _answer(self, document: Document) -> Response:
        editor, picture = self._editor, document.picture
        known = editor.known_cameras(picture, document.content, document.image_wh)
        return JsonAnswer(
            {
                'id': picture.id,
                'path': picture.path,
                'image_wh': document.image_wh,
                'revision': document.revision,
                'is_annotated': document.is_annotated,
                'camera': document.camera.to_json(),
                'cameras': {source: camera.to_json() for source, camera in known.items()},
                'objects': [box.shows() for box in document.boxes],
            }
        )


def page_names() -> Iterator[str]:
    """Return the names of the page's files."""
    return (item.name for item in PAGE.iterdir() if item.is_file())


def page_file(name: str) -> Response:
    """Return a file of the page; nothing but what it consists of can be asked for."""
    if name not in set(page_names()):
        return JsonAnswer({'error': 'There is no such file.'}, status_code=404)
    kind = KINDS['.' + name.rpartition('.')[2]]
    return Response((PAGE / name).read_bytes(), media_type=kind)


async def read_fields(request: Request) -> JsonFields:
    """Return the body of a request.

    Raises:
        DataError: If it is too long or no JSON object.
    """
    if request.headers.get('content-type', '').partition(';')[0].strip() != 'application/json':
        raise DataError('is not JSON', argument='body', advice='Send application/json')
    content = b''
    async for part in request.stream():
        content += part
        if len(content) > MOST_BYTES:
            raise DataError(f'has more than {MOST_BYTES} bytes', argument='body')
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f'is not JSON: {error}', argument='body') from error
    return JsonFields(parsed, 'page')


def _tell_user_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, UserError)
    return JsonAnswer({'error': plain_message(error)}, status_code=422)


def _tell_conflict(request: Request, error: Exception) -> Response:
    text = 'This picture was changed in another tab or program.'
    return JsonAnswer({'error': text}, status_code=409)
