"""An audio as it is streamed: LINEAR16 of whatever was uploaded, in a child that nobody has to fear or to tidy up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from access.models import Clinic
from config import decoding
from config.decoding import ROOT
from ingest import sound
from ingest.probe import probe
from ingest.sound import StoredSound
from tests.ingest.sounds import CODECS, encoded, recorded
from tests.recordings.conftest import stored
from tests.recordings.test_waveforms import Elsewhere
from vendors.base import Speech, VendorError

FRAME = 3200  # 100 ms at 16 kHz
RATE = 16_000

Sounding = Callable[..., StoredSound]


@pytest.fixture
def sounding(storage: Path, clinic: Clinic, tmp_path: Path) -> Sounding:
    """The sound of an audio that holds these bytes, as long as they are."""

    def made(content: bytes, duration_ms: int | None = None, rate: int = RATE) -> StoredSound:
        (tmp_path / "looked-at").write_bytes(content)
        duration_ms = duration_ms or probe(tmp_path / "looked-at").duration_ms
        return StoredSound(stored(storage, clinic, content, duration_ms=duration_ms), Speech("en-US", "LINEAR16", rate))

    return made


def samples(frames: Iterator[bytes]) -> Any:
    return np.frombuffer(b"".join(frames), "<i2").astype(float)


def pitch(heard: Any, rate: int = RATE) -> float:
    """Its strongest frequency, in Hz."""
    return float(np.argmax(np.abs(np.fft.rfft(heard))) * rate / len(heard))


def refusal(sounding: StoredSound, start_ms: int = 0) -> VendorError:
    with pytest.raises(VendorError) as caught:
        list(sounding.frames(start_ms))
    return caught.value


# --- What is sent
@pytest.mark.parametrize("suffix", CODECS)
def test_every_format_becomes_frames_of_a_tenth_of_a_second(suffix: str, sounding: Sounding) -> None:
    of = sounding(encoded(suffix, seconds=3.25, pitch=700))
    frames = list(of.frames(0))
    assert {len(frame) for frame in frames[:-1]} == {FRAME}
    assert 0 < len(frames[-1]) <= FRAME
    heard = samples(iter(frames))
    assert abs(len(heard) / 16 - of.duration_ms) <= 1
    assert pitch(heard) == pytest.approx(700, abs=2)
    assert np.abs(heard[RATE : 2 * RATE]).max() == pytest.approx(12_000, rel=0.15)


@pytest.mark.parametrize("suffix", CODECS)
def test_what_is_resumed_is_the_same_to_the_sample(suffix: str, sounding: Sounding) -> None:
    of = sounding(encoded(suffix, seconds=3))
    whole = list(of.frames(0))
    for place in (1, 7, len(whole) - 1):
        assert list(of.frames(100 * place)) == whole[place:]
    assert b"".join(of.frames(1234)) == b"".join(whole)[2 * 16 * 1234 :]


def test_nothing_follows_the_end(sounding: Sounding) -> None:
    of = sounding(encoded("wav", seconds=1))
    assert list(of.frames(1000)) == list(of.frames(60_000)) == []


@pytest.mark.parametrize(
    ("rate", "form", "layout"),
    [(8000, "s16", "mono"), (44_100, "s32", "stereo"), (96_000, "flt", "5.1"), (11_025, "u8", "stereo")],
)
def test_any_rate_depth_and_number_of_sides_is_the_same_mono(
    rate: int, form: str, layout: str, sounding: Sounding
) -> None:
    heard = samples(sounding(recorded(rate, form, layout)).frames(0))
    assert len(heard) == 2 * RATE
    assert pitch(heard) == pytest.approx(440, abs=2)
    assert np.abs(heard[RATE // 2 : RATE]).max() == pytest.approx(12_000, rel=0.2)


def test_the_rate_is_that_of_the_speech(sounding: Sounding) -> None:
    frames = list(sounding(encoded("ogg", seconds=2, pitch=700), rate=8000).frames(0))
    assert len(frames[0]) == FRAME // 2
    assert pitch(samples(iter(frames)), 8000) == pytest.approx(700, abs=2)


def test_a_gap_between_timestamps_is_silence_of_its_length(sounding: Sounding) -> None:
    of = sounding(encoded("webm", seconds=2, jump=3))
    heard = samples(of.frames(0))
    assert len(heard) == pytest.approx(5 * RATE, abs=RATE // 10)
    loud = [np.abs(heard[second * RATE + 3000 : second * RATE + 13_000]).max() > 9000 for second in range(5)]
    assert loud == [True, False, False, False, True]


@pytest.mark.parametrize("suffix", CODECS)
def test_a_broken_stretch_costs_no_more_than_itself(suffix: str, sounding: Sounding) -> None:
    content = bytearray(encoded(suffix, seconds=6))
    duration_ms = sounding(bytes(content)).duration_ms
    third = len(content) // 3
    content[third : third + 2000] = b"broken!" * 285 + bytes(5)
    heard = samples(sounding(bytes(content), duration_ms).frames(0))
    assert len(heard) == duration_ms * 16
    assert pitch(heard[: RATE * 3 // 2]) == pitch(heard[RATE * 4 : RATE * 11 // 2]) == pytest.approx(440, abs=2)


def test_a_header_that_lies_about_the_length_changes_nothing(sounding: Sounding) -> None:
    content = bytearray(encoded("wav", seconds=2))
    at = content.index(b"data") + 4
    content[at : at + 4] = (3600 * 96_000).to_bytes(4, "little")
    assert len(samples(sounding(bytes(content)).frames(0))) == pytest.approx(2 * RATE, abs=RATE // 10)


# --- Where it is stored
def test_a_copy_is_made_where_it_is_stored_elsewhere_and_is_gone_afterwards(
    sounding: Sounding, storage: Path, settings: Any
) -> None:
    of = sounding(encoded("m4a", seconds=2))
    there = list(of.frames(0))
    elsewhere = {"BACKEND": f"{Elsewhere.__module__}.Elsewhere", "OPTIONS": {"location": str(storage)}}
    settings.STORAGES = settings.STORAGES | {"default": elsewhere}
    assert list(of.frames(0)) == there
    begun: Any = of.frames(0)
    next(begun)
    assert len(list(Path(settings.UPLOAD_DIR).iterdir())) == 1
    begun.close()
    assert list(Path(settings.UPLOAD_DIR).iterdir()) == []


def test_bytes_that_are_gone(sounding: Sounding, storage: Path) -> None:
    of = sounding(encoded("wav"))
    (storage / of.audio.storage_key).unlink()
    error = refusal(of)
    assert (error.code, error.permanent) == ("audio_missing", True)


# --- What goes wrong
@pytest.mark.parametrize(
    "content",
    [
        b"not audio at all" * 100,
        b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"RIFF\xff\xff\xff\xffWAVEfmt ",
        b"fLaC\x80\x00\x00\x22" + b"\xff" * 34,
    ],
)
def test_what_cannot_be_decoded_is_never_tried_again(content: bytes, sounding: Sounding) -> None:
    error = refusal(sounding(content, duration_ms=2000))
    assert (error.code, error.permanent) == ("audio_unreadable", True)


@pytest.mark.parametrize("suffix", CODECS)
def test_a_file_that_has_lost_its_end_is_not_sent_as_if_it_were_whole(suffix: str, sounding: Sounding) -> None:
    """What comes first may have been sent by then. Half a consultation is not written up for all that."""
    content = encoded(suffix, seconds=8)
    of = sounding(content[: len(content) // 2], duration_ms=8000)
    assert refusal(of).code == "audio_unreadable"


def test_years_of_silence_in_a_few_bytes_are_no_longer_than_the_audio(sounding: Sounding) -> None:
    of = sounding(encoded("webm", seconds=0.5, jump=3_000_000), duration_ms=600_000)
    sent = sum(len(frame) for frame in of.frames(0))
    assert 0 <= sent - 600 * 2 * RATE <= 2 * RATE // 1000


def test_a_header_that_makes_a_second_into_half_a_day_costs_little_memory(sounding: Sounding) -> None:
    """One sample a second, by its header: each becomes 16,000."""
    content = bytearray(encoded("wav", seconds=1))
    content[24:28] = (1).to_bytes(4, "little")
    of = sounding(bytes(content))
    assert of.duration_ms == 48_000_000
    frames: Any = of.frames(0)
    assert {len(frame) for frame in islice(frames, 20_000)} == {FRAME}
    (child,) = children_of(os.getpid())
    assert memory_of(child, "VmHWM") < 512
    frames.close()


def test_a_child_that_is_killed_is_tried_again(sounding: Sounding) -> None:
    frames = sounding(encoded("flac", seconds=30)).frames(0)
    next(frames)
    (child,) = children_of(os.getpid())
    os.kill(child, signal.SIGKILL)
    with pytest.raises(VendorError) as caught:
        list(frames)
    assert (caught.value.code, caught.value.permanent) == ("audio_undecoded", False)


def test_a_file_that_never_comes_is_given_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    stall = "import sys; from ingest import pcm; pcm.STALLED_SECONDS = 1; pcm.main(sys.argv[1], 16_000, 0, 1000)"
    done = subprocess.run([sys.executable, "-c", stall, str(tmp_path / "pipe")], cwd=ROOT, timeout=30, check=False)
    assert done.returncode == -signal.SIGALRM


# --- How long the child lives, and what it takes
READER = """
import sys, time
from config import decoding
with decoding.piped("ingest.pcm", *sys.argv[1:]) as child:
    child.stdout.read(int({read}))
    print(child.pid, flush=True)
    time.sleep(60)
"""


def children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return [child for child in children if b"ingest.pcm" in Path(f"/proc/{child}/cmdline").read_bytes()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def ends(pid: int, within: float = 5.0) -> bool:
    until = time.monotonic() + within
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not is_alive(pid)


@pytest.fixture(scope="module")
def two_hours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a tone that FLAC makes little of."""
    file = tmp_path_factory.mktemp("long") / "two-hours"
    file.write_bytes(recorded(RATE, "s16", "mono", seconds=7200, suffix="flac"))
    return file


def test_it_ends_when_nobody_reads_on(two_hours: Path) -> None:
    frames = sound.read(str(two_hours), RATE, 0, 7_200_000)
    assert len(list(islice(frames, 3))) == 3
    (child,) = children_of(os.getpid())
    assert is_alive(child)
    frames.close()  # type: ignore[attr-defined]
    assert not is_alive(child)


def test_it_works_no_faster_than_it_is_read(two_hours: Path) -> None:
    frames = sound.read(str(two_hours), RATE, 0, 7_200_000)
    next(frames)
    (child,) = children_of(os.getpid())
    time.sleep(0.5)
    worked = seconds_of_work(child)
    time.sleep(0.5)
    assert (is_alive(child), seconds_of_work(child)) == (True, worked)
    frames.close()  # type: ignore[attr-defined]


def seconds_of_work(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize(("start_ms", "read"), [("0", 3200), ("7199000", 0)], ids=["waiting", "far from its start"])
def test_it_ends_when_its_reader_is_killed(two_hours: Path, start_ms: str, read: int) -> None:
    command = [sys.executable, "-c", READER.format(read=read), str(two_hours), str(RATE), start_ms, "7200000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as reader:
        assert reader.stdout
        child = int(reader.stdout.readline())
        assert is_alive(child)
        reader.kill()
        assert ends(child)


def test_it_has_limits_of_its_own(two_hours: Path) -> None:
    with decoding.piped("ingest.pcm", str(two_hours), str(RATE), "0", "7200000") as child:
        child.stdout.read(1)
        limits = Path(f"/proc/{child.pid}/limits").read_text()
    found = {line[:26].strip(): line[26:].split()[:2] for line in limits.splitlines()}
    assert found["Max cpu time"] == ["420", "420"]
    assert found["Max address space"] == [str(decoding.MEMORY)] * 2
    assert found["Max core file size"] == ["0", "0"]


def memory_of(pid: int, what: str = "VmRSS") -> int:
    """In MiB; as VmHWM the most it ever was."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(what)]
    return int(line.split()[1]) // 1024


def test_two_hours_take_no_more_memory_than_a_minute(two_hours: Path) -> None:
    ours, childs = [], []
    for number, frame in enumerate(sound.read(str(two_hours), RATE, 0, 7_200_000), start=1):
        assert len(frame) == FRAME
        if number % 1000 == 600:
            (child,) = children_of(os.getpid())
            ours.append(memory_of(os.getpid()))
            childs.append(memory_of(child))
    assert number == 72_000
    assert ours[-1] - ours[0] < 8
    assert childs[-1] - childs[0] < 8
    assert childs[-1] < 100
