"use strict";

// On every page of somebody signed in. The server ends a session after a while without a request: this tells it of
// work that sends none (typing, listening, reading on), and leaves the page once nobody has worked for that long, so
// that no patient's words stay on a screen left alone. Tabs share the time, one that is busy keeps the others.
{
    const { idle, awake } = document.currentScript.dataset;
    const milliseconds = Number(idle) * 1000;
    const KEY = "listenpost.seen";
    let told = Date.now();

    const seen = () => Number(localStorage.getItem(KEY));
    const note = () => localStorage.setItem(KEY, String(Date.now()));
    const leave = () => {
        document.dispatchEvent(new Event("listenpost:over"));
        location.replace(location.pathname + location.search);
    };

    const look = () => {
        const isOver = Date.now() - seen() > milliseconds;
        if (isOver) leave();
        return isOver;
    };

    const tell = async () => {
        told = Date.now();
        const answer = await fetch(awake, { method: "HEAD", cache: "no-store", redirect: "manual" });
        if (answer.type === "opaqueredirect") leave();
    };

    const work = () => {
        if (look()) return;
        if (Date.now() - seen() > 1000) note();
        if (Date.now() - told > milliseconds / 10) tell().catch(() => {});
    };

    note();
    for (const sign of ["keydown", "pointerdown", "scroll", "timeupdate"]) {
        document.addEventListener(sign, work, { capture: true, passive: true });
    }
    document.addEventListener("visibilitychange", look);
    setInterval(look, Math.min(milliseconds / 4, 10000));
}
