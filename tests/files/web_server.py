"""A small web server in a thread that can do what servers on the road do."""

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site(ThreadingHTTPServer):
    """Serve files from memory.

    Attributes:
        files: Content by path.
        has_ranges: Whether it continues files.
        validator: Name of the header that tells a file from its successor; empty for none.
        headers: More headers of every answer.
        cut_after: Bytes after which connections end, one after another; the rest is whole.
        requests: Method and ``Range`` of every request.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.files, self.has_ranges, self.validator = {}, True, 'ETag'
        self.headers, self.cut_after, self.requests = {}, [], []

    def post(self, path, body):
        """Return status and JSON for what a client sends."""
        return 404, {'error': f'nothing at {path}'}

    def url(self, path):
        return f'http://127.0.0.1:{self.server_port}{path}'


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_HEAD(self):
        self.answer(has_body=False)

    def do_GET(self):
        self.answer(has_body=True)

    def answer(self, has_body):
        site, content = self.server, self.server.files.get(self.path)
        site.requests.append((self.command, self.headers.get('Range')))
        if content is None:
            self.send_error(404)
            return
        tag = f'"{hashlib.md5(content).hexdigest()}"'
        start, wanted = 0, self.headers.get('Range')
        is_same = self.headers.get('If-Range') in (None, tag)
        if wanted and site.has_ranges and is_same:
            start = int(wanted.removeprefix('bytes=').removesuffix('-'))
            if start >= len(content):
                self.send_error(416)
                return
        self.send_response(206 if start else 200)
        if start:
            self.send_header('Content-Range', f'bytes {start}-{len(content) - 1}/{len(content)}')
        if site.validator:
            self.send_header(site.validator, tag)
        for name, value in site.headers.items():
            self.send_header(name, value)
        self.send_header('Content-Length', str(len(content) - start))
        self.end_headers()
        if has_body:
            end = start + site.cut_after.pop(0) if site.cut_after else None
            self.wfile.write(content[start:end])

    def do_POST(self):
        length = int(self.headers.get('Content-Length', 0))
        status, answer = self.server.post(self.path, self.rfile.read(length))
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *message):
        pass


@contextmanager
def running_site(kind=Site):
    """Yield a `Site` that answers."""
    with kind() as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield site
        site.shutdown()
