"use strict";

// A page that goes on by itself (htmx asks for its piece every few seconds): what has not changed is left as it stands,
// so that nothing flickers, the focus stays, and a screen reader is told the news once.
{
    let last = "";

    document.addEventListener("htmx:beforeSwap", ({ detail }) => {
        if (detail.serverResponse === last) detail.shouldSwap = false;
        last = detail.serverResponse;
    });

    document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
        detail.shouldSwap = detail.target.textContent.trim() !== detail.fragment.textContent.trim();
    });
}
