"""Somebody at a browser: one context with its own cookies, and all that the browser complained of meanwhile."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, ViewportSize

from tests.factories import PASSWORD

WIDE: ViewportSize = {"width": 1280, "height": 900}
#: How long anything asked of a page may take, in milliseconds.
PATIENCE = 10_000
#: A page that is left takes its requests with it: that is nobody's fault.
LEFT = "net::ERR_ABORTED"


class Desk:
    """`page` is the tab that is looked at; complaints of every tab of the context are kept."""

    def __init__(self, browser: Browser, url: str, cookies: Any = None) -> None:
        self.url = url
        self.complaints: list[str] = []
        self.context: BrowserContext = browser.new_context(base_url=url, viewport=WIDE, storage_state=cookies)
        self.context.set_default_timeout(PATIENCE)
        self.listen()
        self.page: Page = self.context.new_page()

    def listen(self) -> None:
        self.context.on("console", self.heard)
        self.context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        self.context.on("requestfailed", self.failed)
        self.context.on("response", self.answered)

    def heard(self, message: ConsoleMessage) -> None:
        is_about_an_answer = message.text.startswith("Failed to load resource: the server responded")
        if message.type in ("error", "warning") and not is_about_an_answer:
            self.complaints.append(f"console: {message.text}")

    def failed(self, request: Request) -> None:
        if request.failure != LEFT:
            self.complaints.append(f"{request.method} {request.url}: {request.failure}")

    def answered(self, response: Response) -> None:
        if response.status >= 400:
            self.complaints.append(f"{response.status} {response.request.method} {self.path_of(response.url)}")

    def path_of(self, url: str) -> str:
        return url.removeprefix(self.url)

    def open(self, address: str) -> Response:
        response = self.page.goto(address)
        assert response
        return response

    def sign_in(self, username: str, password: str = PASSWORD, code: str = "") -> None:
        """By the form that the page asks it with."""
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_label("Code").fill(code)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_load_state()

    def tab(self, address: str = "") -> Page:
        """One more, on the same page unless told another."""
        page = self.context.new_page()
        page.goto(address or self.page.url)
        return page

    def close(self) -> None:
        self.context.close()
