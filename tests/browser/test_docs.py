"""The page that shows the OpenAPI description: complete without a word from elsewhere."""

from __future__ import annotations

from playwright.sync_api import Browser, expect


def test_an_operation_is_shown_with_its_examples_and_how_to_ask(browser: Browser, web: str) -> None:
    context = browser.new_context(base_url=web)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/api/docs")
    operation = page.locator("#operations-sessions-sessions_create")
    expect(operation).to_contain_text("Opens a session")
    operation.locator(".opblock-summary").click()
    expect(operation.locator(".sample")).to_contain_text('curl -X POST "$URL/api/v1/sessions"')
    expect(operation.locator(".responses-wrapper")).to_contain_text("/problems/validation")
    expect(operation.locator(".opblock-section-request-body")).to_contain_text("encounter-20817")
    assert [url for url in asked if not url.startswith((web, "data:", "blob:"))] == []
    context.close()
