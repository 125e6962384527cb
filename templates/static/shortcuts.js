"use strict";

// Keys of the desk: what carries `data-key` is pressed by that key, unless somebody types or has switched the keys off
// (one switch for all: [data-shortcuts], and the player's own in keys.js). Keys with Control work while typing too.
{
    const TYPING = 'input:not([type="checkbox"]):not([type="hidden"]), textarea, select, [contenteditable]';

    const isOff = () => localStorage.getItem("listenpost.keys") === "off";
    const nameOf = (event) => (event.ctrlKey || event.metaKey ? `Control+${event.key.toLowerCase()}` : event.key);

    const press = (event) => {
        const name = nameOf(event);
        const isPlain = !name.startsWith("Control+");
        if (event.altKey || event.defaultPrevented || event.repeat) return;
        if (isPlain && (isOff() || event.target.closest(TYPING))) return;
        const button = document.querySelector(`[data-key="${CSS.escape(name)}"]`);
        if (!button) return;
        event.preventDefault();
        button.click();
    };

    for (const box of document.querySelectorAll("[data-shortcuts]")) {
        box.checked = !isOff();
        box.addEventListener("change", () => localStorage.setItem("listenpost.keys", box.checked ? "on" : "off"));
    }
    document.addEventListener("keydown", press);
}
