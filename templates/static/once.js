"use strict";

// A form is sent once: a second click while the answer is on its way does nothing.
{
    const BUSY = "aria-busy";
    const SECONDS = 10;

    const free = (form) => form.removeAttribute(BUSY);

    document.addEventListener("submit", (event) => {
        const form = event.target;
        if (form.method !== "post" || event.defaultPrevented) return;
        if (form.hasAttribute(BUSY)) {
            event.preventDefault();
            return;
        }
        form.setAttribute(BUSY, "true");
        setTimeout(free, SECONDS * 1000, form);
    });

    // A page that comes back from the browser's memory is as it was left.
    addEventListener("pageshow", () => document.querySelectorAll(`form[${BUSY}]`).forEach(free));
}
