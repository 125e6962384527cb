"use strict";

// The player's keys. They can be switched off, and rest while somebody types or while the key means something to what
// has the focus. Keys that the player does not know are left to others.
{
    const KEPT = "listenpost.keys";
    const TYPING = 'input:not([type="checkbox"]), textarea, select, [contenteditable], dialog';
    const PRESSED = "button:not(.lp-time), a, summary, audio, input";

    const audio = document.querySelector(".lp-listen audio");
    const shortcuts = document.getElementById("player-shortcuts");
    const speed = document.getElementById("player-speed");

    const seek = (to) => document.dispatchEvent(new CustomEvent("listenpost:seek", { detail: { to } }));
    const jump = (by) => seek(audio.currentTime + by);
    const toggle = () => (audio.paused ? audio.play().catch(() => {}) : audio.pause());
    const find = () => document.getElementById("player-find").focus();

    const turn = (by) => {
        const lines = [...document.querySelectorAll(".lp-lines [data-start]")];
        const line = lines[lines.findIndex((one) => one.matches("[aria-current]")) + by];
        if (line) seek(line.dataset.start / 1000);
    };

    const change = (by) => {
        const choice = speed.options[speed.selectedIndex + by];
        if (!choice) return;
        speed.value = choice.value;
        speed.dispatchEvent(new Event("change"));
    };

    const LISTENING = {
        " ": toggle,
        ArrowLeft: () => jump(-5),
        ArrowRight: () => jump(5),
        j: () => turn(1),
        k: () => turn(-1),
        "<": () => change(-1),
        ">": () => change(1),
    };
    const KEYS = { "/": find, ...(audio ? LISTENING : {}) };

    const isTaken = ({ target, key }) =>
        target.closest(TYPING) !== null || ([" ", "ArrowLeft", "ArrowRight"].includes(key) && target.closest(PRESSED) !== null);

    const press = (event) => {
        const isOurs = shortcuts.checked && Object.hasOwn(KEYS, event.key) && !event.defaultPrevented;
        if (!isOurs || event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
        event.preventDefault();
        KEYS[event.key]();
    };

    // Some browsers press a button with the key's way up.
    const release = (event) => {
        if (event.key === " " && shortcuts.checked && event.target.closest(".lp-time")) event.preventDefault();
    };

    shortcuts.checked = localStorage.getItem(KEPT) !== "off";
    shortcuts.addEventListener("change", () => localStorage.setItem(KEPT, shortcuts.checked ? "on" : "off"));
    document.addEventListener("keydown", press);
    document.addEventListener("keyup", release);
}
