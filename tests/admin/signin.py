"""A browser at the sign-in page: real forms, with the token that each of them carries."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from access.models import User
from tests.factories import PASSWORD

LOGIN, FACTOR = "/admin/login/", "/admin/second-factor/"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


class Browser(Client):
    """It sends the token of the page it was on, as a form does, and is refused without it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(enforce_csrf_checks=True, **options)

    def fill(self, page: str, answers: dict[str, str], **options: Any) -> Any:
        token = TOKEN.search(self.get(page, **options).content.decode())
        assert token, f"no form at {page}"
        return self.post(page, answers | {"csrfmiddlewaretoken": token[1]}, **options)

    def sign_in(self, username: str, password: str = PASSWORD, code: str = "", page: str = LOGIN) -> Any:
        return self.fill(page, {"username": username, "password": password, "code": code})

    def is_signed_in(self) -> bool:
        return bool(self.get("/admin/").status_code == 200)


def code_of(user: User, step: int = 0) -> str:
    """What the person's app shows now, or some steps of 30 seconds later."""
    device = TOTPDevice.objects.get(user=user)
    return f"{totp(device.bin_key, t0=-30 * step):06d}"


def wrong_code(user: User) -> str:
    near = {code_of(user, step) for step in range(-3, 4)}
    return next(code for code in (f"{number:06d}" for number in range(10)) if code not in near)


def forget_used_codes(user: User) -> None:
    """As if the app had gone on to its next code, and the pause after a wrong one were over."""
    fresh = {"last_t": -1, "throttling_failure_count": 0, "throttling_failure_timestamp": None}
    TOTPDevice.objects.filter(user=user).update(**fresh)


def set_up(browser: Browser, user: User) -> list[str]:
    """Sets the second factor up as a person does; their recovery codes."""
    browser.get(FACTOR)
    # Not fill: that would load the page again, and with it another secret.
    token = browser.cookies["csrftoken"].value
    page = browser.post(FACTOR, {"password": PASSWORD, "code": code_of(user), "csrfmiddlewaretoken": token})
    codes = re.findall(r"<li><code>([a-z2-7]{4}-[a-z2-7]{4})</code></li>", page.content.decode())
    assert len(codes) == 10, page.content.decode()
    forget_used_codes(user)
    return codes
