"""What each address of the project answers to whom. A route that is not here fails tests/access/test_every_route.py.

`+`: it changes something of the clinic. Whatever has none must change nothing there.
"""

from __future__ import annotations

#: `stranger` manages another clinic, `elsewhere` too, and is a viewer of this one.
PEOPLE = ("nobody", "stranger", "viewer", "reviewer", "manager", "elsewhere", "operator")
#: No key; every scope, of another clinic; all scopes but the one needed; that one alone; revoked; a person signed in.
PROGRAMS = ("none", "stranger", "lacking", "holder", "revoked", "person")

SITE = """
GET  admin/                                             302 200 200 200 200 200 200
POST admin/                                             302 200 200 200 200 200 200
GET  admin/login/                                       200 302 302 302 302 302 302
POST admin/login/                                       200 200 200 200 200 200 200
GET  admin/logout/                                      302 405 405 405 405 405 405
POST admin/logout/                                      302 200 200 200 200 200 200
GET  admin/password_change/                             302 200 200 200 200 200 200
POST admin/password_change/                             302 200 200 200 200 200 200
GET  admin/password_change/done/                        302 200 200 200 200 200 200
POST admin/password_change/done/                        302 405 405 405 405 405 405
GET  admin/second-factor/                               302 200 200 200 200 200 200
POST admin/second-factor/                               302 200 200 200 200 200 200
GET  admin/autocomplete/                                302 403 403 403 403 403 403
POST admin/autocomplete/                                302 405 405 405 405 405 405
GET  admin/jsi18n/                                      302 200 200 200 200 200 200
POST admin/jsi18n/                                      302 405 405 405 405 405 405
GET  admin/(?P<url>.*)$                                 302 404 404 404 404 404 404
POST admin/(?P<url>.*)$                                 302 404 404 404 404 404 404
GET  admin/^(?P<app_label>access|ingest|notes|recordings|feed)/$   302 200 200 200 200 200 200
POST admin/^(?P<app_label>access|ingest|notes|recordings|feed)/$   302 200 200 200 200 200 200
GET  admin                                              302 302 302 302 302 302 302
POST admin                                              302 302 302 302 302 302 302
GET  /                                                  302 302 302 302 302 302 302
POST /                                                  302 302 302 302 302 302 302
"""

#: Rows of a clinic that all its members read. `.` is the list's address.
READ_BY_MEMBERS = """
GET  .                               302 200 200 200 200 200 200
POST .                               302 200 200 200 200 200 200
GET  .add/                           302 403 403 403 403 403 403
POST .add/                           302 403 403 403 403 403 403
GET  .<path:object_id>/change/       302 404 200 200 200 200 200
POST .<path:object_id>/change/       302 404 403 403 403 403 403
GET  .<path:object_id>/history/      302 404 404 404 404 404 404
POST .<path:object_id>/history/      302 404 404 404 404 404 404
GET  .<path:object_id>/delete/       302 404 403 403 403 403 403
POST .<path:object_id>/delete/       302 404 403 403 403 403 403
GET  .<path:object_id>/              302 302 302 302 302 302 302
POST .<path:object_id>/              302 302 302 302 302 302 302
GET  .<uuid:object_id>/press/        302 404 405 405 405 405 405
POST .<uuid:object_id>/press/        302 404 403 403 403 403 403
"""
READ_BY_MANAGERS = """
GET  .                               302 200 403 403 200 200 200
POST .                               302 200 403 403 200 200 200
GET  .add/                           302 403 403 403 403 403 403
POST .add/                           302 403 403 403 403 403 403
GET  .<path:object_id>/change/       302 404 403 403 200 403 200
POST .<path:object_id>/change/       302 404 403 403 403 403 403
GET  .<path:object_id>/history/      302 404 404 404 404 404 404
POST .<path:object_id>/history/      302 404 404 404 404 404 404
GET  .<path:object_id>/delete/       302 404 403 403 403 403 403
POST .<path:object_id>/delete/       302 404 403 403 403 403 403
GET  .<path:object_id>/              302 302 302 302 302 302 302
POST .<path:object_id>/              302 302 302 302 302 302 302
GET  .<uuid:object_id>/press/        302 404 403 403 405 403 405
POST .<uuid:object_id>/press/        302 404 403 403 403 403 403
"""
READ_BY_OPERATORS = """
GET  .                               302 403 403 403 403 403 200
POST .                               302 403 403 403 403 403 200
GET  .add/                           302 403 403 403 403 403 403
POST .add/                           302 403 403 403 403 403 403
GET  .<path:object_id>/change/       302 404 403 403 403 403 200
POST .<path:object_id>/change/       302 404 403 403 403 403 403
GET  .<path:object_id>/history/      302 404 404 404 404 404 404
POST .<path:object_id>/history/      302 404 404 404 404 404 404
GET  .<path:object_id>/delete/       302 404 403 403 403 403 403
POST .<path:object_id>/delete/       302 404 403 403 403 403 403
GET  .<path:object_id>/              302 302 302 302 302 302 302
POST .<path:object_id>/              302 302 302 302 302 302 302
GET  .<uuid:object_id>/press/        302 404 405 405 405 405 405
POST .<uuid:object_id>/press/        302 404 403 403 403 403 403
"""
#: What operators keep, of no clinic: whether such a row is there is nobody else's business, so 403 and never 404.
KEPT_BY_OPERATORS = """
GET  .                               302 403 403 403 403 403 200
POST .                               302 403 403 403 403 403 200
GET  .add/                           302 403 403 403 403 403 200
POST .add/                           302 403 403 403 403 403 302+
GET  .<path:object_id>/change/       302 403 403 403 403 403 200
POST .<path:object_id>/change/       302 403 403 403 403 403 302+
GET  .<path:object_id>/history/      302 404 404 404 404 404 404
POST .<path:object_id>/history/      302 404 404 404 404 404 404
GET  .<path:object_id>/delete/       302 403 403 403 403 403 403
POST .<path:object_id>/delete/       302 403 403 403 403 403 403
GET  .<path:object_id>/              302 302 302 302 302 302 302
POST .<path:object_id>/              302 302 302 302 302 302 302
"""
#: Those that manage another clinic see the form, and what they make is that clinic's.
ADDED_BY_MANAGERS = """
GET  .add/                           302 200 403 403 200 200 200
POST .add/                           302 200 403 403 200+ 200 200+
"""
PRESSED = """
POST .<uuid:object_id>/press/        302 404 403 403 302+ 403 302+
"""

#: The words are sealed for whoever asks, and looked for in the list.
SEARCHED = """
GET  .search/                        302 302 302 302 302 302 302
POST .search/                        302 302 302 302 302 302 302
"""

#: What reviewers of the clinic do with a note that nobody has claimed. Operators are no clinicians.
REVIEWED = """
POST .<uuid:object_id>/press/                  302 404 403 302+ 302+ 403 403
GET  .next/                                    302 405 403 405  405  405 403
POST .next/                                    302 302 403 302+ 302+ 302 403
GET  .<uuid:object_id>/save/                   302 404 403 405  405  403 403
POST .<uuid:object_id>/save/                   302 404 403 302+ 302+ 403 403
GET  .<uuid:object_id>/draft/                  302 404 403 405  405  403 403
POST .<uuid:object_id>/draft/                  302 404 403 200  200  403 403
GET  .<uuid:object_id>/discard/                302 404 403 405  405  403 403
POST .<uuid:object_id>/discard/                302 404 403 302  302  403 403
GET  .<uuid:object_id>/conflict/               302 404 403 302  302  403 403
POST .<uuid:object_id>/conflict/               302 404 403 302  302  403 403
GET  .<uuid:object_id>/dismiss/                302 404 403 405  405  403 403
POST .<uuid:object_id>/dismiss/                302 404 403 302+ 302+ 403 403
GET  .<uuid:object_id>/revision/               302 404 403 405  405  403 403
POST .<uuid:object_id>/revision/               302 404 403 302  302  403 403
GET  .<uuid:object_id>/sign/                   302 404 403 302  302  403 403
POST .<uuid:object_id>/sign/                   302 404 403 200  200  403 403
GET  .<uuid:object_id>/addendum/               302 404 403 200  200  403 403
POST .<uuid:object_id>/addendum/               302 404 403 200  200  403 403
GET  .<uuid:object_id>/error/                  302 404 403 200  200  403 403
POST .<uuid:object_id>/error/                  302 404 403 302+ 302+ 403 403
GET  .<uuid:object_id>/versions/<int:number>/  302 404 200 200  200  200 200
POST .<uuid:object_id>/versions/<int:number>/  302 404 405 405  405  405 405
GET  .<uuid:object_id>/print/                  302 404 200 200  200  200 200
POST .<uuid:object_id>/print/                  302 404 405 405  405  405 405
GET  .<uuid:object_id>/pdf/                    302 404 200 200  200  200 200
POST .<uuid:object_id>/pdf/                    302 404 405 405  405  405 405
"""

MODELS = {
    "notes/note": [READ_BY_MEMBERS, SEARCHED, REVIEWED],
    "notes/transcript": [
        READ_BY_MEMBERS,
        SEARCHED,
        """
POST .<uuid:object_id>/press/  302 404 403 200 200 403 403
""",
    ],
    "recordings/recording": [
        READ_BY_MEMBERS,
        """
GET  .listen/<uuid:listening>/<uuid:audio_id>/   302 404 200 200 200 200 200
POST .listen/<uuid:listening>/<uuid:audio_id>/   302 404 405 405 405 405 405
GET  .play/<uuid:listening>/<uuid:object_id>/    302 404 200 200 200 200 200
POST .play/<uuid:listening>/<uuid:object_id>/    302 404 405 405 405 405 405
POST .<uuid:object_id>/press/                    302 404 403 403 302 403 302
""",
    ],
    "ingest/session": [READ_BY_MEMBERS, PRESSED],
    "ingest/asyncrequest": [
        READ_BY_MEMBERS,
        PRESSED,
        """
GET  .<uuid:object_id>/live/         302 404 286 286 286 286 286
POST .<uuid:object_id>/live/         302 404 405 405 405 405 405
""",
    ],
    "ingest/callback": [
        READ_BY_MEMBERS,
        PRESSED,
        """
GET  .<uuid:object_id>/body/         302 404 403 403 200 403 200
POST .<uuid:object_id>/body/         302 404 405 405 405 405 405
""",
    ],
    "ingest/replay": [READ_BY_MEMBERS],
    "ingest/vendoraccount": [
        READ_BY_MEMBERS,
        """
GET  .add/                           302 200 403 403 200 200 200
POST .add/                           302 302 403 403 302+ 302 302+
GET  .<uuid:object_id>/credentials/  302 404 403 403 200 403 200
POST .<uuid:object_id>/credentials/  302 404 403 403 302+ 403 302+
""",
    ],
    "access/apikey": [
        READ_BY_MANAGERS,
        ADDED_BY_MANAGERS,
        PRESSED,
        """
GET  .<uuid:object_id>/rotate/       302 404 403 403 200 403 200
POST .<uuid:object_id>/rotate/       302 404 403 403 200+ 403 200+
""",
    ],
    "access/allowedapplication": [
        READ_BY_MANAGERS,
        PRESSED,
        """
GET  .add/                           302 403 403 403 403 403 200
POST .add/                           302 403 403 403 403 403 302+
""",
    ],
    "access/membership": [
        READ_BY_MANAGERS,
        ADDED_BY_MANAGERS,
        PRESSED,
        """
GET  .<uuid:object_id>/role/         302 404 403 403 200 403 200
POST .<uuid:object_id>/role/         302 404 403 403 302+ 403 302+
GET  .<uuid:object_id>/password/     302 404 403 403 200 403 200
POST .<uuid:object_id>/password/     302 404 403 403 200+ 403 200+
""",
    ],
    "access/accessentry": [
        READ_BY_MEMBERS,
        """
GET  .export/                        302 200 403 403 200 200 200
POST .export/                        302 405 405 405 405 405 405
""",
    ],
    "feed/event": [READ_BY_OPERATORS],
    "feed/endpoint": [
        READ_BY_MANAGERS,
        ADDED_BY_MANAGERS,
        PRESSED,
        """
GET  .<uuid:object_id>/edit/         302 404 403 403 200 403 200
POST .<uuid:object_id>/edit/         302 404 403 403 302+ 403 302+
GET  .<uuid:object_id>/secret/       302 404 403 403 200 403 200
POST .<uuid:object_id>/secret/       302 404 403 403 200+ 403 200+
GET  .<uuid:object_id>/replay/       302 404 403 403 200 403 200
POST .<uuid:object_id>/replay/       302 404 403 403 302+ 403 302+
GET  .<uuid:object_id>/switch_on/    302 404 403 403 200 403 200
POST .<uuid:object_id>/switch_on/    302 404 403 403 302+ 403 302+
""",
    ],
    "feed/delivery": [READ_BY_MANAGERS, PRESSED],
    "access/clinic": [KEPT_BY_OPERATORS],
    "access/trustedissuer": [KEPT_BY_OPERATORS],
    "access/user": [
        KEPT_BY_OPERATORS,
        """
GET  .<id>/password/                 302 403 403 403 403 403 200
POST .<id>/password/                 302 403 403 403 403 403 302+
GET  .<int:object_id>/sign-in/       302 405 405 405 405 405 405
POST .<int:object_id>/sign-in/       302 403 403 403 403 403 302
""",
    ],
}

OF_OPERATORS = {name for name, texts in MODELS.items() if {READ_BY_OPERATORS, KEPT_BY_OPERATORS} & set(texts)}

#: What each button, which is also an action of the list, does to the row for those who may.
BUTTONS = {
    "notes/note": {"claim", "approve_unchanged", "take_over", "release", "take_up", "reject"},
    "recordings/recording": {"archive_now"},
    "notes/transcript": {"start_note"},
    "ingest/session": {"close"},
    "ingest/asyncrequest": {"retry", "cancel"},
    "ingest/callback": {"process_again"},
    "access/apikey": {"revoke"},
    "access/allowedapplication": {"revoke"},
    "access/membership": {"remove"},
    "feed/endpoint": {"test", "stop_replay", "switch_off", "stay_off", "remove"},
    "feed/delivery": {"redeliver"},
}
#: For who has claimed the note, and nobody else: tests/admin/test_note_page.py.
OF_ITS_HOLDER = {"release"}
#: On a note's page alone.
NOT_OF_MANY = {"take_over", "take_up", "start_note"}
#: As the note has to be for it.
STATES = {"take_over": "in_review", "take_up": "rejected"}
#: Whom each of them is for, by the columns.
FOR_MANAGERS = ["302", "404", "403", "403", "302+", "403", "302+"]
FOR_REVIEWERS = ["302", "404", "403", "302+", "302+", "403", "403"]

REST = """
GET  api/v1/sessions                      sessions:read   401 200 403 200 401 401
POST api/v1/sessions                      sessions:write  401 201 403 201+ 401 401
GET  api/v1/sessions/<uuid:pk>            sessions:read   401 404 403 200 401 401
PATCH api/v1/sessions/<uuid:pk>           sessions:write  401 404 403 200+ 401 401
GET  api/v1/sessions/<uuid:pk>/audio      sessions:read   401 404 403 200 401 401
PUT  api/v1/sessions/<uuid:pk>/audio      sessions:write  401 404 403 415 401 401
POST api/v1/sessions/<uuid:pk>/requests   sessions:write  401 404 403 202+ 401 401
GET  api/v1/requests                      sessions:read   401 200 403 200 401 401
GET  api/v1/requests/<uuid:pk>            sessions:read   401 404 403 200 401 401
POST api/v1/requests/<uuid:pk>/retry      sessions:write  401 404 403 202+ 401 401
POST api/v1/requests/<uuid:pk>/cancel     sessions:write  401 404 403 200+ 401 401
GET  api/v1/transcripts                   notes:read      401 200 403 200 401 401
GET  api/v1/transcripts/<uuid:pk>         notes:read      401 404 403 200 401 401
GET  api/v1/notes                         notes:read      401 200 403 200 401 401
GET  api/v1/notes/<uuid:pk>               notes:read      401 404 403 200 401 401
GET  api/v1/recordings                    recordings:read 401 200 403 200 401 401
POST api/v1/recordings                    sessions:write  401 422 403 422 401 401
GET  api/v1/recordings/<uuid:pk>          recordings:read 401 404 403 200 401 401
POST api/v1/recordings/<uuid:pk>/link     recordings:read 401 404 403 200 401 401
GET  api/v1/recordings/<uuid:pk>/audio    recordings:read 401 404 403 200 401 401
GET  api/v1/recordings/<uuid:pk>/parts/<int:number>/audio recordings:read 401 404 403 200 401 401
GET  api/v1/events                        events:read     401 200 403 200 401 401
GET  api/v1/webhooks                      events:read     401 200 403 200 401 401
POST api/v1/webhooks                      webhooks:write  401 201 403 201+ 401 401
GET  api/v1/webhooks/<uuid:pk>            events:read     401 404 403 200 401 401
PATCH api/v1/webhooks/<uuid:pk>           webhooks:write  401 404 403 200+ 401 401
DELETE api/v1/webhooks/<uuid:pk>          webhooks:write  401 404 403 204+ 401 401
GET  api/v1/webhooks/<uuid:pk>/standing   events:read     401 404 403 200 401 401
POST api/v1/webhooks/<uuid:pk>/secret     webhooks:write  401 404 403 200+ 401 401
POST api/v1/webhooks/<uuid:pk>/test       webhooks:write  401 404 403 202+ 401 401
POST api/v1/webhooks/<uuid:pk>/replay     webhooks:write  401 404 403 202+ 401 401
DELETE api/v1/webhooks/<uuid:pk>/replay   webhooks:write  401 404 403 204 401 401
GET  api/v1/webhooks/<uuid:pk>/deliveries events:read     401 404 403 200 401 401
GET  api/v1/webhooks/<uuid:pk>/deliveries/<uuid:delivery> events:read 401 404 403 200 401 401
POST api/v1/webhooks/<uuid:pk>/deliveries/<uuid:delivery>/redeliver webhooks:write 401 404 403 202+ 401 401
"""
OPEN = """
GET  api/schema                           200 200 200 200 200 200
GET  api/docs                             200 200 200 200 200 200
GET  problems                             200 200 200 200 200 200
GET  problems/<slug:name>                 404 404 404 404 404 404
GET  ^api/                                404 404 404 404 404 404
GET  recordings/<str:ticket>              404 404 404 404 404 404
"""

HEALTH = {"/healthz", "/readyz", "/metrics"}
#: The door's addresses as the pattern's text, with their methods. Each is proven by its own tests.
DOOR = {
    "/callbacks/nabla": {"POST"},
    "/callbacks/nabla/([A-Za-z0-9_-]{1,200})": {"POST"},
    "/callbacks/(nabla|suki|dragon)/accounts/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})": {"POST", "OPTIONS"},
    "/files/([A-Za-z0-9_-]{1,200})": {"GET", "HEAD"},
    "/healthz": {"GET"},
    "/metrics": {"GET"},
    "/readyz": {"GET"},
}


def lines(text: str, at: str = "") -> dict[tuple[str, str], list[str]]:
    """(method, route) -> what stands in the columns."""
    table = {}
    for line in text.strip().splitlines():
        method, route, *cells = line.split()
        table[method, f"{at}{route.removeprefix('.')}" if at else route] = cells
    return table


def of_model(name: str) -> dict[tuple[str, str], list[str]]:
    table: dict[tuple[str, str], list[str]] = {}
    for text in MODELS[name]:
        table |= lines(text, at=f"admin/{name}/")
    return table


ADMIN = lines(SITE) | {line: cells for name in MODELS for line, cells in of_model(name).items()}
