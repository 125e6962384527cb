"""Django's WSGI application. Under config.web the body has been gathered already and is handed over as a file."""

import os
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django_application = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    gathered = environ.get("asgi.scope", {}).get("listenpost.body")
    if gathered is not None:
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = gathered
        environ.pop("HTTP_TRANSFER_ENCODING", None)
    return django_application(environ, start_response)
