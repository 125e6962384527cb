"""How long being signed in lasts: until a while without a click (Django's own expiry), and never beyond a longest time.

The session's cookie carries no end of its own: so a request with the cookie of a session that is no more tells that it
ended, and the sign-in page can say so.
"""

from __future__ import annotations

import time
from math import ceil
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

BEGAN = "began"
IDLE, LONGEST = "idle", "longest"
#: Sent with what a page asks for by itself, such as news every few seconds: that is nobody's click.
POLL = "X-Poll"


def begin(request: HttpRequest) -> None:
    request.session[BEGAN] = time.time()


def over(request: HttpRequest) -> str:
    """Why the session that the request names is over; empty while it is not, or when it names none."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return ""
    if SESSION_KEY not in request.session:
        return IDLE
    return LONGEST if time.time() - request.session.get(BEGAN, 0) > settings.SESSION_LONGEST_SECONDS else ""


def go_on(request: HttpRequest) -> None:
    """A click: the idle time begins anew. SESSION_SAVE_EVERY_REQUEST would take a page's own questions for clicks."""
    if SESSION_KEY in request.session and POLL not in request.headers:
        request.session.modified = True


def sentence(ended: str) -> str:
    if ended == IDLE:
        idle = in_words(settings.SESSION_COOKIE_AGE)
        return f"You were signed out after {idle} without a click. Sign in to go on where you were."
    if ended == LONGEST:
        longest = in_words(settings.SESSION_LONGEST_SECONDS)
        return f"You were signed out: nobody stays signed in for more than {longest}. Sign in to go on where you were."
    return ""


def in_words(seconds: int) -> str:
    """Such as 15 minutes, 12 hours; the next whole number."""
    for size, unit in ((3600, "hour"), (60, "minute")):
        if seconds >= size and (unit == "minute" or seconds % size == 0):
            number = ceil(seconds / size)
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return f"{seconds} second{'s' if seconds > 1 else ''}"


def asks_to_sign_in(response: HttpResponseBase) -> bool:
    return response.status_code == 302 and urlsplit(response.headers["Location"]).path == reverse("admin:login")


def ask_again(request: HttpRequest, ended: str) -> HttpResponse:
    """To the sign-in page, which says why and leads back to the page the person was on."""
    query = {"next": page_of(request)} | ({"ended": ended} if ended else {})
    address = f"{reverse('admin:login')}?{urlencode(query)}"
    if "HX-Request" in request.headers:  # a redirect would put the sign-in page into a piece of theirs
        return HttpResponse(headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)


def page_of(request: HttpRequest) -> str:
    """The page whose link, form or script sent the request: what a form was sent to may be no page at all."""
    if request.method in ("GET", "HEAD") and "HX-Request" not in request.headers:
        return request.get_full_path()
    try:
        sent_from = urlsplit(request.headers.get("HX-Current-URL") or request.headers.get("Referer", ""))
    except ValueError:
        return reverse("admin:index")
    if sent_from.netloc != request.get_host() or sent_from.path == reverse("admin:login"):
        return reverse("admin:index")
    return sent_from._replace(scheme="", netloc="", fragment="").geturl()
