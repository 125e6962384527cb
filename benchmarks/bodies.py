"""Callbacks as Nabla sends them, of a given size, the same at every run: a transcript of many lines and a note.

Words come as often as words do (Zipf), so that PostgreSQL compresses these bodies about as well as real ones.
"""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Iterator
from typing import Any

#: Stands where the client_request_id of each copy is patched in.
PLACE = "00000000-0000-0000-0000-000000000000"
KEYS = ("CHIEF_COMPLAINT", "HISTORY_OF_PRESENT_ILLNESS", "CURRENT_MEDICATIONS", "PHYSICAL_EXAM", "ASSESSMENT", "PLAN")
WORDS = re.findall(
    r"[\w-]+",
    """
the and to of a you I it is in that have for on with not but at this was do so if they been or are be what then when
we can your my from like just there any no some about right now would how more than very well out up had were will
could think know feel take need see come go get say tell help start stop keep try look give find show call ask work
want pain knee back chest throat head stomach shoulder neck hip ankle wrist skin blood pressure heart lung breath
cough fever cold flu cut burn rash swelling sore tired sleep weight diet water sugar salt coffee smoke drink walk run
climb stairs morning night week month year day hour minute yesterday today tomorrow often never always sometimes
usually doctor nurse hospital clinic test scan result dose tablet pill medicine prescription pharmacy allergy asthma
diabetes infection antibiotic vaccine surgery therapy exercise physical history family mother father sister brother
child daughter husband wife school office travel stress worry better worse same little much many few first second
third left upper lower front behind inside outside sharp dull burning throbbing constant sudden gradual mild moderate
severe normal high low regular irregular clear cloudy warm numb tingling dizzy nauseous vomit appetite bowel urine
kidney liver thyroid cholesterol insulin metformin ibuprofen paracetamol amoxicillin lisinopril inhaler ointment
bandage stitch bruise fracture sprain muscle joint tendon nerve spine reflex pulse temperature oxygen saturation
alcohol anaemia answer antacid anxious appointment arrange artery aspirin asleep bathroom bedtime because become
before begin believe beneath bicycle birthday bladder bleed blister bother bowl bread breakfast bring brush build
bundle busy button cabbage calcium calm cancer carry catch cause ceiling centre chair change cheek chicken choose
circle clean clothes collar colour comfort common compare concern consider contact corner country couple course cover
cramp cream cross culture daily damage danger dark decide deep deliver dentist depend describe detail different digest
dinner direct discuss dress drive during early earth eat effect either elbow emergency empty energy enough enter even
evening exactly except expect explain eye eyebrow face faint fall far farm fatigue feed feet field fifteen fifty
finger finish fish flat floor follow food foot force forget forty forward four fresh friend fruit full game garden
gather gentle glad glass goal gown grandmother ground group grow guess habit hair half hand happen hard healthy hear
heavy hold holiday honest huge hundred hungry hurry hurt ice idea ignore immediate important improve increase
insurance intestine itchy jaw job juice jump kind kitchen knuckle lamp laugh leave leg lie lift light line lip list
listen live loose lose loud love lunch machine main manage mark matter maybe meal mean measure measles meat middle
migraine milk mind miss mistake moment money mouth move nail name narrow near next nobody noise noon nose notice
nothing number nut obvious odd oil okay older once onion open orange order other ought oval overnight own page palm
paper part pass patch patient pattern pay peanut people perhaps person phone pick picture piece pillow place plain
plan plaster plate pneumonia point possible practice prefer press prevent probably problem promise protect pull push
put quarter question quick quiet quite radio rain raise rare rather reach react read ready really reason record
recover red reduce refer refill relax remember remove repeat reply report rest return ribs rice rise road roll room
round rub rule sad safe salad sample scar scratch seat section seem send sense serious settle shake shape share shelf
shirt shoe shop short shower sick side sign simple since sinus sit size skip slight slip slow small smell smooth
sneeze soap soft song soon sound soup space speak special specialist spend split spot spray spread squeeze stand step
sting stool straight strange street stretch strong suggest sunny support suppose sure surface sweat sweet swim symptom
syrup table talk taste teach team tear teeth tender thank thick thigh thin thing thirty through throw thumb tight tiny
toe together tongue tonsil tooth total touch towel toward track train treat tremor triage trouble trust turn twelve
twenty twice twist type ulcer ultrasound understand unless until unusual urgent use usual vein virus visit vision
voice wait wake wall wash watch weak wear weekend wheeze while whole wide window winter wonder wood word wound wrap
write x-ray yellow yet younger
""",
)
ENDINGS = ("", "", "", "s", "ed", "ing", "ly", "er")


class _Speech:
    def __init__(self, size: int) -> None:
        self.random = random.Random(size)  # noqa: S311 (nothing secret)
        self.words = [word + ending for ending in dict.fromkeys(ENDINGS) for word in dict.fromkeys(WORDS)]
        self.weights = list(itertools.accumulate(1 / (rank + 30) for rank in range(len(self.words))))

    def sentence(self, shortest: int = 6, longest: int = 24) -> str:
        count = self.random.randint(shortest, longest)
        return " ".join(self.random.choices(self.words, cum_weights=self.weights, k=count)).capitalize() + "."


def callback(size: int) -> bytes:
    """About `size` bytes of JSON without a backslash; PLACE stands in it for the client_request_id."""
    speech = _Speech(size)
    sections = [
        {"key": key, "title": key.replace("_", " ").capitalize(), "text": text}
        for key, text in zip(KEYS, _texts(speech, size // 10), strict=False)
    ]
    answer: dict[str, Any] = {"request_id": f"1{PLACE[1:]}", "client_request_id": PLACE}
    answer |= {"transcript": [], "note": {"title": speech.sentence(3, 5), "sections": sections}}
    room = size - len(json.dumps(answer))
    for line in _lines(speech):
        room -= len(json.dumps(line)) + 2
        if room < 0:
            break
        answer["transcript"].append(line)
    return json.dumps(answer).encode().ljust(size)


def _texts(speech: _Speech, size: int) -> Iterator[str]:
    """Texts of some sentences, about `size` bytes in all."""
    while size > 0:
        text = " ".join(speech.sentence() for _ in range(max(1, size // (100 * len(KEYS)))))
        size -= len(text)
        yield text


def _lines(speech: _Speech) -> Iterator[dict[str, Any]]:
    at = 0
    for speaker in itertools.cycle(("doctor", "patient")):
        text = speech.sentence()
        end = at + 60 * len(text)
        yield {"text": text, "speaker": speaker, "start_offset_ms": at, "end_offset_ms": end}
        at = end + speech.random.randint(100, 2000)
