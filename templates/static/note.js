"use strict";

// A note's page: editing a section, copying it, and showing what it comes from, as its vendor says, or a sentence may come
// from. Everything here works without a script too, but for copying; the words that are typed are kept by draft.js.
{
    const note = document.getElementById("words");
    const TYPING = "input, textarea, select";

    const show = (lines, words) => document.dispatchEvent(new CustomEvent("listenpost:source", { detail: { lines, words } }));
    const linesOf = (link) => link.dataset.lines.split(" ").map(Number);
    const say = (words) => (document.getElementById("kept").textContent = words);

    // --- What it comes from, or may come from
    const showOne = (event) => {
        const link = event.target.closest("[data-lines]");
        if (!link) return;
        event.preventDefault();
        show(linesOf(link), link.dataset.words);
    };

    const showAll = (button) => {
        const sentences = [...document.getElementById(button.dataset.sources).querySelectorAll(".lp-sentence")];
        show([...new Set(sentences.flatMap(linesOf))].sort((one, other) => one - other));
    };

    const offerSources = (button) => {
        button.hidden = !document.getElementById(button.dataset.sources).querySelector(".lp-sentence");
        button.addEventListener("click", () => showAll(button));
    };

    // --- Copying
    const copy = async (button) => {
        const text = document.getElementById(button.dataset.copy);
        try {
            await navigator.clipboard.writeText(text.textContent);
            say("Copied.");
        } catch {
            getSelection().selectAllChildren(text);
            say("It is selected: copy it with Ctrl+C or Cmd+C.");
        }
    };

    const offerCopy = (button) => {
        button.hidden = false;
        button.addEventListener("click", () => copy(button));
    };

    // --- Editing
    const begin = (event) => {
        const editor = event.target;
        if (editor.matches(".lp-edit[open]")) editor.querySelector("textarea, #title").focus();
    };

    const edit = () => {
        const section = document.activeElement.closest("#words section") ?? note.querySelector("section:has(.lp-edit)");
        const editor = section?.querySelector(".lp-edit");
        if (!editor) return;
        editor.open = true;
        editor.querySelector("textarea").focus();
    };

    const leave = (field) => field.closest("details").querySelector("summary").focus();

    const press = (event) => {
        if (event.key === "Escape" && event.target.matches(".lp-edit textarea, #title")) return leave(event.target);
        const isOff = localStorage.getItem("listenpost.keys") === "off";
        if (event.key !== "e" || isOff || event.ctrlKey || event.metaKey || event.altKey || event.target.closest(TYPING)) return;
        event.preventDefault();
        edit();
    };

    note.addEventListener("click", showOne);
    note.addEventListener("toggle", begin, { capture: true });
    document.addEventListener("keydown", press);
    note.querySelectorAll("[data-sources]").forEach(offerSources);
    note.querySelectorAll("[data-copy]").forEach(offerCopy);
}
