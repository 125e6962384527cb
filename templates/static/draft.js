"use strict";

// What is typed into a note is kept on the server: shortly after each pause, and when the page is left.
{
    const PAUSE = 1500;
    const note = document.getElementById("words");
    const kept = document.getElementById("kept");
    const fields = () => note.querySelectorAll('textarea, #title');
    let waiting = null;
    let isChanged = false;
    let isSent = false;

    // A section that nobody may edit has no field: the server wants the whole note, or nothing.
    const mayType = fields().length > 1 && !note.querySelector("textarea[readonly]");

    const send = async (options = {}) => {
        clearTimeout(waiting);
        if (!isChanged || isSent) return;
        isChanged = false;
        const request = { method: "POST", body: new FormData(note), redirect: "manual", ...options };
        const answer = await fetch(note.dataset.draft, request).catch(() => null);
        if (answer?.headers.get("Content-Type")?.startsWith("application/json")) {
            kept.textContent = (await answer.json()).said;
        } else {
            isChanged = true;
            kept.textContent = "Not kept: the connection or your session is lost. Copy what you typed.";
        }
    };

    const typed = () => {
        isChanged = true;
        kept.textContent = "";
        clearTimeout(waiting);
        waiting = setTimeout(send, PAUSE);
    };

    const leave = () => {
        if (document.visibilityState === "hidden") send({ keepalive: true });
    };

    if (mayType) {
        note.addEventListener("input", typed);
        note.addEventListener("submit", () => (isSent = true));
        addEventListener("pageshow", () => (isSent = false)); // back again, from the browser's memory
        document.addEventListener("visibilitychange", leave);
    }
}
