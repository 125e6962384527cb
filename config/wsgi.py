"""Django's WSGI application. Under config.web the body has been gathered already and is handed over as a file, and a
stored file in answer is handed back, to be sent there."""

import os
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from config.files import StoredResponse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django_application = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    scope = environ.get("asgi.scope", {})
    gathered = scope.get("listenpost.body")
    if gathered is None:
        return django_application(environ, start_response)
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = gathered
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    response = django_application(environ, start_response)
    if isinstance(response, StoredResponse):
        scope["listenpost.response"] = response
        return ()
    return response
