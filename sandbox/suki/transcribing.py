"""/ws/transcribe: one utterance of a dictation. Finals go to whoever listens then, and to nobody later."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from websockets.frames import CloseCode

from sandbox.faults import Fault
from sandbox.sockets import Socket
from sandbox.suki import faults as suki_faults
from sandbox.suki.hearing import Speech
from sandbox.suki.sessions import IDLE, RUNNING, Line, Session
from sandbox.suki.settings import Settings
from sandbox.suki.talk import Ended, check_still_open, hear, line_of, read_frame, receive, unpack

LONGEST_SILENCE_SECONDS = 10 * 60  # Nothing is published; this only ends what nobody will.
END_OF_TRANSCRIPT = {"transcript": {"transcript": "EOF"}}
SPEAKER = {"id": "1"}


@dataclass
class Transcribing:
    session: Session
    settings: Settings
    faults: Mapping[str, Fault]
    subprotocol: str | None
    noise: Iterator[str | bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.noise = suki_faults.beside(self.faults.get("frames"))

    def talk(self, socket: Socket) -> None:
        """The session is busy from the handshake on (whoever let this socket in has made it so)."""
        self.session.busy_until = 0.0
        try:
            with line_of(self.session, socket, self.subprotocol, self.faults) as line:
                check_still_open(self.session)
                while True:
                    message = receive(self.session, socket, LONGEST_SILENCE_SECONDS)
                    self.take(line, read_frame(self.session, line, message))
        finally:
            self.leave()

    def leave(self) -> None:
        """What was said and not finished is lost to whoever listened, and final all the same."""
        with self.session.lock:
            if self.session.state == RUNNING:
                self.session.busy_until = time.monotonic() + self.settings.settle_seconds
            if self.session.speech:
                self.session.speech.reach(self.session.duration_ms)
                self.session.speech.pause()

    def take(self, line: Line, frame: Mapping[str, Any]) -> None:
        if frame.get("type") == "AUDIO":
            samples = unpack(self.session, frame, "audioData")
            if samples:
                self.take_audio(line, samples)
        elif frame.get("type") == "EVENT" and frame.get("event") == "AUDIO_END":
            self.finish(line)
        elif frame:
            self.session.offend("unknown_event")

    def take_audio(self, line: Line, samples: bytes) -> None:
        if samples == b"EOF":
            self.session.offend("RU9G_in_dictation")
        before_ms = self.session.duration_ms
        hear(self.session, line, samples, self.faults.get("drop"))
        if self.session.speech is None and any(samples):
            self.session.speech = Speech(samples, before_ms)
        speech = self.session.speech
        for text in speech.reach(self.session.duration_ms) if speech else ():
            self.say(line, text, is_final=True)
        partial = speech.partial() if speech else ""
        if partial and line.frames["AUDIO"] % self.settings.frames_a_partial == 0:
            self.say_partial(line, partial)

    def say_partial(self, line: Line, text: str) -> None:
        fault = self.faults.get("partials")
        if fault is None:
            self.say(line, text, is_final=False)
        elif fault.name == "partials_change":
            *sure, last = text.split()
            self.say(line, " ".join([*sure[:-2], f"unclear{line.frames['AUDIO']}", last[::-1]]), is_final=False)

    def finish(self, line: Line) -> None:
        """The rest is final, then EOF, then the end; from EOF on the session accepts another utterance."""
        for text in self.session.speech.pause() if self.session.speech else ():
            self.say(line, text, is_final=True)
        fault = self.faults.get("eof")
        if fault and fault.name == "eof_never":
            receive(self.session, line.socket, LONGEST_SILENCE_SECONDS)
            raise Ended("never said EOF")
        with self.session.lock:
            self.session.state = IDLE if self.session.state == RUNNING else self.session.state
        if fault is None:
            self.send(line, END_OF_TRANSCRIPT)
        raise Ended("end of audio", CloseCode.NORMAL_CLOSURE)

    def say(self, line: Line, text: str, is_final: bool) -> None:
        words = [{"word": word, "speaker": SPEAKER} for word in text.split()]
        self.session.count(line, "final sent" if is_final else "partial sent")
        told = {"transcript": {"transcript": text, "words": words}, "is_final": is_final}
        self.send(line, told | {"transcript_id": str(uuid.uuid4())})
        if is_final:
            self.session.finals.append(text)

    def send(self, line: Line, message: Mapping[str, Any]) -> None:
        for noise in self.noise:
            line.socket.send(noise)
            break
        text = json.dumps(message, ensure_ascii=False)
        if "framing" in self.faults:
            line.socket.send_by_the_byte(text)
        else:
            line.socket.send(text)
