"""Who may talk to the server: this machine's browser, with the token of the address.

A web page of somebody else can make the browser send requests here, but it does not know the token,
its ``Origin`` differs, and a name that it lets point to this machine is not among the hosts.
"""

import hmac
import ipaddress
import secrets
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

LOOPBACK_HOSTS = frozenset({'127.0.0.1', 'localhost', '[::1]'})
SAFE_METHODS = ('GET', 'HEAD')
OWN_FETCHES = (b'', b'same-origin', b'none')
HEADERS = (
    (b'cache-control', b'no-store'),
    (b'x-content-type-options', b'nosniff'),
    (b'referrer-policy', b'no-referrer'),
    (b'cross-origin-resource-policy', b'same-origin'),
    (b'cross-origin-opener-policy', b'same-origin'),
    (
        b'content-security-policy',
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        b"connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
)
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]


def new_token() -> str:
    """Return a secret for the address."""
    return secrets.token_urlsafe(18)


class Guard:
    """Refuse requests that do not come from the page; the application sees paths without the token.

    Args:
        app: ASGI application.
        token: Secret first part of each path.
        host: Where the server listens.
    """

    def __init__(self, app: Any, token: str, host: str = '127.0.0.1') -> None:
        self._app = app
        self._token = token
        self._is_loopback = is_loopback(host)
        self._names = LOOPBACK_HOSTS | ({host, socket.gethostname()} - {''})

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope['type'] == 'lifespan':
            await self._app(scope, receive, send)
            return
        refusal = 'no websockets here' if scope['type'] != 'http' else self._find_fault(scope)
        if refusal:
            await _refuse(send, scope, refusal)
            return
        start = len(self._token) + 1
        inner = {**scope, 'path': scope['path'][start:] or '/', 'raw_path': b''}
        await self._app(inner, receive, _with_headers(send))

    def _find_fault(self, scope: Message) -> str:
        """Return why a request is refused, empty if it is not."""
        headers = dict(scope['headers'])
        host = headers.get(b'host', b'').decode('latin-1')
        if not self._is_own_host(host, scope.get('server')):
            return 'this address is not the one of the server'
        first, _, _ = scope['path'].lstrip('/').partition('/')
        if not hmac.compare_digest(first.encode(), self._token.encode()):
            return 'the address lacks its secret part: open the one that the command printed'
        if headers.get(b'sec-fetch-site', b'') not in OWN_FETCHES:
            return 'the request comes from another web page'
        origin = headers.get(b'origin', b'').decode('latin-1')
        if scope['method'] not in SAFE_METHODS and origin != f'http://{host}':
            return 'the request comes from another web page'
        return ''

    def _is_own_host(self, host: str, server: Any) -> bool:
        """Tell whether a header ``Host`` names this machine; other names may be rebound to it."""
        name, _, port = host.rpartition(':') if not host.endswith(']') else (host, '', '')
        name, port = (name, port) if name else (host, '80')
        if server and server[1] and port != str(server[1]):
            return False
        if name in self._names:
            return True
        return not self._is_loopback and _is_address(name)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches an address."""
    if host == 'localhost':
        return True
    return _is_address(host) and ipaddress.ip_address(host.strip('[]')).is_loopback


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip('[]'))
    except ValueError:
        return False
    return True


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message['type'] == 'http.response.start':
            names = {name for name, _ in HEADERS}
            kept = [pair for pair in message.get('headers', []) if pair[0] not in names]
            message = {**message, 'headers': [*kept, *HEADERS]}
        await send(message)

    return sending


async def _refuse(send: Send, scope: Message, reason: str) -> None:
    if scope['type'] == 'websocket':
        await send({'type': 'websocket.close', 'code': 1008})
        return
    body = f'Refused: {reason}.\n'.encode()
    headers = [(b'content-type', b'text/plain; charset=utf-8'), *HEADERS]
    await send({'type': 'http.response.start', 'status': 403, 'headers': headers})
    await send({'type': 'http.response.body', 'body': body})
