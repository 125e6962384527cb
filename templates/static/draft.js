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
    let isUnkept = false; // the last answer was a refusal, or none
    let isOver = false; // nobody is there to be asked
    let onItsWay = null;

    const mayType = fields().length > 0 && !note.querySelector("textarea[readonly]");

    const send = async (options = {}) => {
        clearTimeout(waiting);
        if (!isChanged || isSent) return;
        isChanged = false;
        onItsWay?.abort();
        onItsWay = new AbortController();
        const { signal } = onItsWay;
        const request = { method: "POST", body: new FormData(note), redirect: "manual", signal, ...options };
        const answer = await fetch(note.dataset.draft, request).catch(() => null);
        if (signal.aborted) return;
        isUnkept = !answer?.ok;
        isChanged ||= isUnkept;
        if (answer?.headers.get("Content-Type")?.startsWith("application/json")) {
            kept.textContent = (await answer.json()).said;
        } else {
            kept.textContent = "Not kept: the connection or your session is lost. Copy what you typed.";
        }
    };

    const typed = () => {
        isChanged = true;
        isSent = false;
        if (!isUnkept) kept.textContent = "";
        clearTimeout(waiting);
        waiting = setTimeout(send, PAUSE);
    };

    const submit = () => {
        isSent = true;
        onItsWay?.abort();
    };

    // A browser sends no more than 64 KiB of a page that is left: whoever leaves a longer note is asked to wait, and so
    // is whose words are refused. Others' go ahead of what is asked for next, which may be this page, loaded again.
    const ask = (event) => {
        const size = [...fields()].reduce((sum, field) => sum + field.value.length, 0);
        if (isChanged && !isSent && !isOver && (isUnkept || size > 20000)) event.preventDefault();
        else send({ keepalive: true });
    };

    const leave = () => {
        if (document.visibilityState === "hidden") send({ keepalive: true });
    };

    if (mayType) {
        note.addEventListener("input", typed);
        note.addEventListener("submit", submit);
        document.querySelector(".lp-draft")?.addEventListener("submit", submit);
        addEventListener("beforeunload", ask);
        document.addEventListener("listenpost:over", () => (isOver = true));
        addEventListener("pageshow", () => (isSent = false)); // back again, from the browser's memory
        document.addEventListener("visibilitychange", leave);
    }
}
