"""Listen, tell the address, serve until it is stopped."""

import socket
import webbrowser
from collections.abc import Callable
from typing import Any

import uvicorn

from cpose.annotation.server.guard import Guard, new_token
from cpose.errors import ConfigError, check_number

MOST_PORT = 65535


def serve(
    app: Any, host: str, port: int, tell: Callable[[str], None], opens_browser: bool = True
) -> None:
    """Serve the page until Ctrl-C.

    Args:
        app: ASGI application.
        host: Where to listen.
        port: 0 takes any that is free.
        tell: Called with the address once it is reachable.
        opens_browser: Whether to open the page.

    Raises:
        ConfigError: If it cannot listen there.
    """
    token = new_token()
    listener = listen(host, port)
    name = host if host not in ('', '0.0.0.0') else socket.gethostname()
    name = f'[{name}]' if ':' in name else name
    address = f'http://{name}:{listener.getsockname()[1]}/{token}/'
    config = uvicorn.Config(
        Guard(app, token, host), log_level='warning', access_log=False, ws='none', lifespan='off'
    )
    tell(address)
    if opens_browser:
        webbrowser.open(address)
    with listener:
        uvicorn.Server(config).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        ConfigError: If there is no such address or it is taken.
    """
    check_number('port', port, least=0, most=MOST_PORT, is_whole=True)
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(64)
    except OSError as error:
        raise ConfigError(
            f'cannot be listened at, on {host}: {error.strerror}',
            argument='port',
            value=port,
            advice='Give another {port}, or 0 for any that is free',
        ) from error
    return listener
