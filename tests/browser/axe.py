"""What axe-core and a ruler say of the page that is open.

axe is evaluated over the debugging protocol, which no policy of the page binds, so that the page keeps its own.
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

WIDTHS = (1280, 320)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
ALL_RULES = {
    "runOnly": {"type": "tag", "values": TAGS},
    "rules": {"target-size": {"enabled": True}},  # of WCAG 2.2, which axe asks for by name alone
    "resultTypes": ["violations"],
    "preload": False,  # it would ask for style sheets and sounds by itself, and wait for a recording to be loaded
}
#: The only rules that see colours.
OF_COLOURS = ALL_RULES | {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}, "rules": {}}

UNFOLD = "() => document.querySelectorAll('details').forEach(details => { details.open = true; })"
SETTLE = """theme => {
    document.documentElement.dataset.theme = theme;
    document.getAnimations().forEach(animation => animation.finish());
}"""
SPILLED = """() => {
    const room = document.documentElement.clientWidth;
    const wide = document.scrollingElement.scrollWidth;
    if (wide <= room) return [];
    const spills = element => element.getBoundingClientRect().right > room + 0.5 || element.scrollWidth > room;
    const named = element => element.tagName.toLowerCase() + (element.id ? "#" + element.id : "")
        + [...element.classList].map(name => "." + name).join("");
    const found = [...document.body.querySelectorAll("*")].filter(spills);
    return [`${wide} px wide: ${found.map(named).slice(-8).join(" ")}`];
}"""


def faults(page: Page) -> list[str]:
    """Of the page in both its themes, on a desk's screen and on a phone's, with all that it can unfold: in words."""
    page.evaluate(UNFOLD)
    found: list[str] = []
    for width in WIDTHS:
        show(page, "light", width)
        found += [f"{width} px: {fault}" for fault in [*spilled(page), *violations(page, ALL_RULES)]]
        show(page, "dark", width)
        found += [f"{width} px, dark: {fault}" for fault in violations(page, OF_COLOURS)]
    return found


def show(page: Page, theme: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(SETTLE, theme)


def violations(page: Page, options: dict[str, Any]) -> list[str]:
    """Each as its rule, the first places where it is broken and what axe says of them."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{broken['id']} at {node['target']}: {node['failureSummary']}"
        for broken in found["violations"]
        for node in broken["nodes"][:3]
    ]


def spilled(page: Page) -> list[str]:
    """How wide the page is and what stands out of it, where it has to be scrolled sideways; empty where it has not."""
    outside: list[str] = page.evaluate(SPILLED)
    return outside
