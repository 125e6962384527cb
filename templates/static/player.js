"use strict";

// The recording: where it is, how fast it goes, and what to do when it does not play. The other scripts of the player
// ask for a place in it by `listenpost:seek` {to: seconds, play: whether it begins}, and look at the <audio> itself.
// A page that has no bar plays it with the browser's own controls: it is told there only why it does not play.
{
    const REWIND = 2;
    const audio = document.querySelector("audio");
    const at = (id) => document.getElementById(`player-${id}`);
    let isResting = false; // paused, and not sent elsewhere since
    let place = 0;

    const length = () => (Number.isFinite(audio.duration) ? audio.duration : Number(audio.dataset.duration) / 1000);
    const two = (number) => String(Math.floor(number)).padStart(2, "0");
    const clock = (seconds) =>
        seconds < 3600
            ? `${Math.floor(seconds / 60)}:${two(seconds % 60)}`
            : `${Math.floor(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
    const say = (words) => (at("said").textContent = words);

    // --- Where it is
    const seek = ({ to, play }) => {
        audio.currentTime = Math.min(Math.max(to, 0), length() || to);
        // Before anything is loaded the browser keeps the place to itself.
        if (!audio.readyState) audio.dispatchEvent(new Event("timeupdate"));
        if (play) audio.play().catch(() => {});
    };

    const look = () => {
        place = audio.currentTime;
        at("time").textContent = `${clock(place)} of ${clock(length())}`;
        at("past").setAttribute("width", (600 * place) / (length() || 1));
    };

    const count = (number, unit) => `${number} ${unit}${number === 1 ? "" : "s"}`;
    const inWords = (seconds) => `${count(Math.floor(seconds / 60), "minute")} ${count(Math.floor(seconds % 60), "second")}`;

    const sayWhere = () => {
        const line = document.querySelector(".lp-lines [aria-current]");
        const spoken = line ? `. ${line.querySelector(".lp-voice").textContent} speaks.` : ".";
        say(`${inWords(audio.currentTime)} of ${inWords(length())}${spoken}`);
    };

    const rewind = () => {
        if (isResting) audio.currentTime = Math.max(0, audio.currentTime - REWIND);
    };

    // --- The waveform
    const draw = (peaks) => {
        const upper = peaks.map((peak, x) => `${x},${49.5 - peak / 2.1}`);
        const lower = peaks.map((peak, x) => `${x},${50.5 + peak / 2.1}`).reverse();
        const outline = `M${[...upper, ...lower].join("L")}Z`;
        at("wave").querySelectorAll("path").forEach((path) => path.setAttribute("d", outline));
    };

    const seekInWave = (event) => {
        const { left, width } = at("wave").getBoundingClientRect();
        seek({ to: (length() * (event.clientX - left)) / width });
    };

    // --- How fast it goes
    const setSpeed = (speed) => (audio.playbackRate = audio.defaultPlaybackRate = Number(speed));

    const chooseSpeed = (event) => {
        localStorage.setItem("listenpost.speed", event.target.value);
        setSpeed(event.target.value);
    };

    const recallSpeed = () => {
        at("speed").value = localStorage.getItem("listenpost.speed");
        if (!at("speed").value) at("speed").value = "1";
        setSpeed(at("speed").value);
    };

    // --- When it does not play
    const why = (answer) => {
        if (!answer) return "The connection to Listenpost is lost.";
        if (answer.type === "opaqueredirect") return "You were signed out. Sign in in another tab, then come back here.";
        if (answer.status === 404) return "The recording is not in the storage any more. Tell the operator.";
        if (answer.status === 410) return "The vendor has deleted the recording, and there is no copy of it.";
        if (answer.status === 409) return "Its parts are of different kinds, each played by itself. Load this page again to choose one.";
        if (answer.status === 503 && audio.src.includes("/recording/play/"))
            return "The vendor may still be processing the recording, or does not answer. Try again in some minutes.";
        if (answer.status === 403) return "You may not listen to this recording. Ask a manager of the clinic.";
        if (answer.ok) return "This browser cannot play the recording. Try another browser.";
        return "The recording cannot be had just now. Wait a moment.";
    };

    const complain = async () => {
        const ask = { method: "HEAD", cache: "no-store", redirect: "manual" };
        at("why").textContent = why(await fetch(audio.src, ask).catch(() => null));
        at("again").hidden = false;
    };

    const fine = () => {
        at("why").textContent = "";
        at("again").hidden = true;
    };

    const again = () => {
        const from = place;
        audio.focus();
        fine();
        audio.load();
        seek({ to: from, play: true });
    };

    const help = () => {
        audio.addEventListener("timeupdate", () => (place = audio.currentTime));
        audio.addEventListener("playing", fine);
        audio.addEventListener("error", complain);
        at("again").addEventListener("click", again);
    };

    const listen = () => {
        audio.addEventListener("timeupdate", look);
        audio.addEventListener("seeking", look);
        audio.addEventListener("durationchange", look);
        audio.addEventListener("pause", () => (isResting = true));
        audio.addEventListener("seeking", () => (isResting = false));
        audio.addEventListener("play", rewind);
        at("where").addEventListener("click", sayWhere);
        at("speed").addEventListener("change", chooseSpeed);
        at("wave").addEventListener("click", seekInWave);
        document.addEventListener("listenpost:seek", (event) => seek(event.detail));
    };

    if (audio) help();
    if (audio && at("bar")) {
        listen();
        recallSpeed();
        if (at("wave").dataset.peaks) draw(at("wave").dataset.peaks.split(" ").map(Number));
        look();
        at("bar").hidden = false;
    }
}
