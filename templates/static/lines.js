"use strict";

// The transcript beside its recording: the line that is heard is marked and followed, a line that is clicked is heard.
// Others ask by `listenpost:source` {lines: numbers, words: what they are} to mark where a passage of the note may come
// from, or does as its vendor says, and by `listenpost:show` {line: number} to bring a line into view.
{
    const AHEAD = 0.05; // seconds: a browser lands a little before the place it is sent to
    const PAUSE = 1.5; // seconds without words that are worth skipping
    const SCROLLS = ["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End"];

    const audio = document.querySelector(".lp-listen audio");
    const view = document.querySelector(".lp-listen .lp-scroll");
    const follow = document.getElementById("player-follow");
    const skip = document.getElementById("player-skip");
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    const stops = [...view.querySelectorAll("button.lp-time")];
    const timed = stops.map((stop) => timesOf(stop.parentElement)).sort((a, b) => a.start - b.start);
    let current = null;
    let stop = stops[0];

    function timesOf(line) {
        return { line, start: line.dataset.start / 1000, end: line.dataset.end / 1000 };
    }

    const seek = (to, play) => document.dispatchEvent(new CustomEvent("listenpost:seek", { detail: { to, play } }));
    const numbered = (number) => document.getElementById(`line-${number}`);

    // --- The line that is heard
    // The last one that has begun, by halving: there may be thousands.
    const heardAt = (seconds) => {
        let [low, high] = [0, timed.length];
        while (low < high) {
            const middle = (low + high) >> 1;
            if (timed[middle].start <= seconds + AHEAD) low = middle + 1;
            else high = middle;
        }
        return low - 1;
    };

    const mark = (line) => {
        if (line === current) return;
        current?.removeAttribute("aria-current");
        line?.setAttribute("aria-current", "true");
        current = line;
        if (!line) return;
        if (!view.contains(document.activeElement)) stopAt(line.querySelector("button"));
        if (follow.checked) show(line);
    };

    const hear = () => {
        const at = heardAt(audio.currentTime);
        mark(timed[at]?.line ?? null);
        if (skip.checked && !audio.paused) skipSilence(at);
    };

    // --- Silence: from the last word of all that have spoken to the first of the next
    let spoken = 0;
    for (const one of timed) {
        spoken = Math.max(spoken, one.end || 0);
        one.silentFrom = one.end ? spoken : Infinity; // when it ends is not known
    }

    const skipSilence = (at) => {
        const next = timed[at + 1];
        const silentFrom = at < 0 ? 0 : timed[at].silentFrom;
        if (next && audio.currentTime > silentFrom + AHEAD && next.start - audio.currentTime > PAUSE) seek(next.start - 0.3);
    };

    const recallSkip = () => (skip.checked = localStorage.getItem("listenpost.skip") === "on");
    const chooseSkip = () => localStorage.setItem("listenpost.skip", skip.checked ? "on" : "off");

    // --- What is in view
    const show = (line, isSettled = false) => {
        const { top, bottom } = line.getBoundingClientRect();
        const above = view.getBoundingClientRect().top;
        if (top >= above && bottom < above + view.clientHeight * 0.75) return;
        const isFar = Math.abs(top - above) > 2 * view.clientHeight;
        const behavior = isFar || isSettled || calm.matches ? "instant" : "smooth";
        view.scrollBy({ top: top - above - view.clientHeight / 4, behavior });
        // How tall lines are that were never in view is a guess until they are.
        if (isFar) setTimeout(show, 100, line, true);
    };

    const leave = () => {
        if (follow) follow.checked = false;
    };

    const leaveByScrollbar = (event) => {
        if (event.target === view) leave();
    };

    const goOnFollowing = () => {
        if (follow.checked && current) show(current);
    };

    // --- One Tab stop, arrow keys from line to line
    const stopAt = (button) => {
        if (!button) return;
        stop.tabIndex = -1;
        stop = button;
        stop.tabIndex = 0;
    };

    const move = (event) => {
        if (!SCROLLS.includes(event.key) || event.target === view) return;
        leave();
        const here = stops.indexOf(event.target);
        const to = { ArrowUp: here - 1, ArrowDown: here + 1, Home: 0, End: stops.length - 1 }[event.key];
        if (here < 0 || !stops[to]) return;
        event.preventDefault();
        stopAt(stops[to]);
        stop.focus();
    };

    const play = (event) => {
        const line = event.target.closest("[data-start]");
        const selection = getSelection();
        const isSelecting = !selection.isCollapsed && line && selection.containsNode(line, true);
        if (line && !isSelecting) seek(line.dataset.start / 1000, true);
    };

    // --- What others ask for
    const turnTo = (line) => {
        stopAt(line.querySelector("button"));
        show(line);
    };

    const unmark = (line) => {
        line.classList.remove("lp-source");
        line.querySelector(".lp-tag").remove();
    };

    const markAsSource = (line, words) => {
        line.classList.add("lp-source");
        line.append(Object.assign(document.createElement("em"), { className: "lp-tag", textContent: words }));
    };

    const source = ({ detail }) => {
        view.querySelectorAll(".lp-source").forEach(unmark);
        const lines = detail.lines.map(numbered).filter(Boolean);
        lines.forEach((line) => markAsSource(line, detail.words ?? "possible source"));
        if (!lines.length) return;
        if (audio && lines[0].dataset.start) seek(lines[0].dataset.start / 1000);
        turnTo(lines[0]);
    };

    const listen = () => {
        audio.addEventListener("timeupdate", hear);
        audio.addEventListener("seeking", hear);
        view.addEventListener("click", play);
        view.addEventListener("focusin", (event) => stopAt(event.target.closest("button")));
        follow.addEventListener("change", goOnFollowing);
        skip.addEventListener("change", chooseSkip);
        for (const sign of ["wheel", "touchmove"]) view.addEventListener(sign, leave, { passive: true });
        view.addEventListener("pointerdown", leaveByScrollbar);
        view.addEventListener("keydown", move);
    };

    if (audio) listen();
    if (audio) recallSkip();
    if (stop) view.removeAttribute("tabindex"); // the line is the Tab stop, not what it scrolls in
    stopAt(stop);
    document.addEventListener("listenpost:source", source);
    document.addEventListener("listenpost:show", ({ detail }) => {
        leave();
        turnTo(numbered(detail.line));
    });
}
