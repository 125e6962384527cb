"use strict";

// Keys of the desk: what carries `data-key` is pressed by that key, unless somebody types or has switched the keys off
// (the switch of the player's keys, templates/static/keys.js). Keys with Control work while typing too.
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

    document.addEventListener("keydown", press);
}
