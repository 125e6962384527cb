"use strict";

// The transcript's find box. Words that the search page left are looked for at once.
{
    const LEFT = "listenpost.find";
    const PAUSE = 250; // milliseconds, so that a number is said once and not at every letter

    const box = document.getElementById("player-find");
    const found = document.getElementById("player-found");
    const texts = [...document.querySelectorAll(".lp-lines .lp-said")].map((said) => ({
        line: said.parentElement,
        node: said.firstChild,
        folded: fold(said.textContent),
    }));
    let hits = [];
    let at = -1;
    let later;

    // Without case and accents, letter for letter: the places in it are places in the text.
    function fold(text) {
        const plain = (letter) => (letter === "\u2019" ? "'" : letter.normalize("NFD")[0].toLowerCase()[0]);
        return text.replace(/[^\0-\x7f]/g, plain).toLowerCase();
    }

    // --- Where the words are
    const places = ({ node, folded }, word) => {
        const ranges = [];
        for (let from = folded.indexOf(word); from >= 0; from = folded.indexOf(word, from + word.length)) {
            ranges.push(new StaticRange({ startContainer: node, startOffset: from, endContainer: node, endOffset: from + word.length }));
        }
        return ranges;
    };

    const linesWith = (words) =>
        texts
            .map((text) => ({ line: text.line, ranges: words.flatMap((word) => places(text, word)) }))
            .filter(({ ranges }) => ranges.length);

    // As they stand; else each word; else how each begins, as the search also takes other forms of a word.
    const ways = (typed) => {
        const phrase = fold(typed).replace(/["\s]+/g, " ").trim();
        const words = phrase.split(" ").filter((word) => word && word !== "or" && !word.startsWith("-"));
        const beginnings = words.filter((word) => word.length > 5).map((word) => word.slice(0, -Math.min(3, word.length - 4)));
        return phrase.length > 1 ? [[phrase], words, beginnings] : [];
    };

    const look = (typed) => {
        for (const words of ways(typed)) {
            const lines = linesWith(words);
            if (lines.length) return lines;
        }
        return [];
    };

    // --- How they are shown
    const light = (name, ranges) => CSS.highlights?.set(name, new Highlight(...ranges));

    const tell = () => {
        const lines = `${hits.length} line${hits.length === 1 ? "" : "s"}`;
        found.textContent = at < 0 ? lines : `${at + 1} of ${lines}`;
        if (!hits.length) found.textContent = box.value.trim().length > 1 ? "Nobody says that." : "";
    };

    const find = () => {
        hits.forEach(({ line }) => line.classList.remove("lp-hit"));
        hits = look(box.value);
        at = -1;
        hits.forEach(({ line }) => line.classList.add("lp-hit"));
        light("lp-found", hits.flatMap(({ ranges }) => ranges));
        light("lp-found-now", []);
        clearTimeout(later);
        later = setTimeout(tell, PAUSE);
    };

    const turn = (by) => {
        if (!hits.length) return;
        at = (Math.max(at, by < 0 ? 0 : -1) + by + hits.length) % hits.length;
        light("lp-found-now", hits[at].ranges);
        tell();
        const line = Number(hits[at].line.id.replace("line-", ""));
        document.dispatchEvent(new CustomEvent("listenpost:show", { detail: { line } }));
    };

    const press = (event) => {
        if (event.key === "Enter") event.preventDefault();
        if (event.key === "Enter") turn(event.shiftKey ? -1 : 1);
        if (event.key === "Escape") box.value = "";
        if (event.key === "Escape") find();
    };

    const recall = () => {
        const left = sessionStorage.getItem(LEFT);
        sessionStorage.removeItem(LEFT);
        if (!left) return;
        box.value = left;
        find();
        turn(1);
    };

    box.addEventListener("input", find);
    box.addEventListener("keydown", press);
    document.getElementById("player-next").addEventListener("click", () => turn(1));
    document.getElementById("player-previous").addEventListener("click", () => turn(-1));
    document.getElementById("player-finding").hidden = false;
    recall();
}
