"""Consultations made up for trying the service at its full size: what is said in them, and what the notes say.

Words come about as often as words do: some in most texts, most in few. The same number gives the same text.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LANGUAGES = ("en-US",) * 5 + ("en-GB",) * 2 + ("fr-FR",) * 2 + ("es-ES",)
TEMPLATES = ("GENERAL_MEDICINE",) * 6 + ("SOAP",) * 2 + ("CARDIOLOGY", "PSYCHIATRY")
SECTIONS = (
    "CHIEF_COMPLAINT",
    "HISTORY_OF_PRESENT_ILLNESS",
    "PHYSICAL_EXAM",
    "CURRENT_MEDICATIONS",
    "ASSESSMENT",
    "PLAN",
)
SLOT = re.compile(r"\{(\w+)\}")
SYLLABLES = [consonant + vowel for consonant in "bdfgjklmnprstvxz" for vowel in "aeiou"]


@dataclass(frozen=True, slots=True)
class Text:
    """`lines` and `sections` as the columns of those names hold them."""

    language: str
    template: str
    title: str
    lines: list[dict[str, Any]]
    sections: list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Tongue:
    """What is asked, answered and noted in a language, and the words for the slots; the first ones come most often."""

    speakers: tuple[str, str]
    asked: list[str]
    answered: list[str]
    noted: list[str]
    words: dict[str, list[str]]


def lines(text: str) -> list[str]:
    return text.strip().split("\n")


def words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def name(number: int, syllables: int = 4) -> str:
    """A word that is nobody's name, each number's another one."""
    most = len(SYLLABLES) ** syllables
    number = (number * 15_485_863 + 7) % most  # a prime beyond the syllables' number: neighbours look nothing alike
    parts = [SYLLABLES[number // len(SYLLABLES) ** place % len(SYLLABLES)] for place in range(syllables)]
    return "".join(parts).capitalize()


NAMES = [name(number, 3) for number in range(3000)]
NUMBERS = [str(number) for number in (2, 3, 1, 5, 4, 10, 6, 20, 7, 40, 8, 50, 12, 100, 15, 25, 30, 75, 80, 250, 500)]
DRUGS = words(
    "ibuprofen, paracetamol, metformin, ramipril, amoxicillin, atorvastatin, omeprazole, amlodipine, salbutamol,"
    "levothyroxine, sertraline, prednisolone, apixaban, bisoprolol, naproxen, candesartan, insulin glargine,"
    "methotrexate, tamsulosin, sumatriptan, lamotrigine, colchicine, isotretinoin, rifampicin, cabergoline"
)
TONGUES = {
    "en": Tongue(
        ("doctor", "patient"),
        lines("""
What brings you in today?
How long have you had the {trouble}?
Does the pain in your {part} wake you at night?
Any fever, chills or night sweats?
And are you still taking the {drug}?
Let me have a look at your {part}.
Your blood pressure is {number} over {number}.
I would like you to take {drug}, {number} milligrams, twice a day with food.
We will repeat the blood test in {number} weeks.
Has Dr {name} seen you about the {trouble}?
Any allergies that you know of?
On a scale from zero to ten, how bad is the {trouble}?
Come back if it is not better in {number} days."""),
        lines("""
The pain in my {part} started about {number} days ago.
No, nothing like that, doctor.
I have had {trouble} since {month}, and it is getting worse.
I take {drug}, {number} milligrams in the morning.
It hurts most when I walk or climb stairs.
My sister {name} had the same when she was {number}.
I was at the {name} clinic for {trouble} {number} years ago.
Yes, a little better than last week.
I stopped the {drug} because it made me feel sick.
I sleep {number} hours, not more.
I smoke {number} cigarettes a day.
It comes and goes, mostly on the left side of the {part}.
Thank you, that is good to know."""),
        lines("""
The patient reports {trouble} for {number} days.
Pain in the {part}, worse on exertion, {number}/10.
Denies fever, chills and weight loss.
Takes {drug} {number} mg twice daily.
No known drug allergies.
Known {trouble} since {month}, seen by Dr {name}.
The {part} is tender without swelling or redness.
Blood pressure {number}/{number} mmHg, pulse {number} per minute.
Start {drug} {number} mg daily for {number} days.
Follow-up with blood test in {number} weeks.
Referral to the {name} clinic for the {part}.
Return at once if the {trouble} gets worse."""),
        {
            "trouble": words(
                "back pain, cough, headache, fatigue, high blood pressure, knee pain, sore throat, heartburn, diabetes,"
                "asthma, anxiety, dizziness, insomnia, rash, palpitations, migraine, low mood, constipation, earache,"
                "gout, hay fever, sciatica, tinnitus, vertigo, psoriasis, anaemia, shingles, sarcoidosis, narcolepsy"
            ),
            "part": words(
                "back, knee, chest, head, throat, stomach, shoulder, neck, hip, foot, ear, skin, hand, ankle, elbow,"
                "wrist, jaw, calf, groin, heel, eyelid, collarbone, shin"
            ),
            "month": words("January, March, May, June, the summer, September, October, Christmas, Easter"),
        },
    ),
    "fr": Tongue(
        ("médecin", "patient"),
        lines("""
Qu'est-ce qui vous amène aujourd'hui ?
Depuis combien de temps avez-vous ce problème de {trouble} ?
Avez-vous de la fièvre ou des frissons ?
Vous prenez toujours le {drug} ?
Montrez-moi votre {part}.
La tension est à {number} sur {number}.
Je vous prescris {drug}, {number} milligrammes, deux fois par jour.
On refait la prise de sang dans {number} semaines.
Le docteur {name} vous a déjà vu pour cela ?
Avez-vous des allergies ?"""),
        lines("""
J'ai mal au niveau de la {part} depuis {number} jours.
Non, rien de tout cela, docteur.
J'ai une {trouble} depuis {month}, et cela s'aggrave.
Je prends {drug}, {number} milligrammes le matin.
Ma sœur {name} a eu la même chose à {number} ans.
J'ai été suivi à la clinique {name} il y a {number} ans.
Oui, un peu mieux que la semaine dernière.
J'ai arrêté le {drug}, il me rendait malade.
Je dors {number} heures, pas plus.
Merci, c'est bon à savoir."""),
        lines("""
Le patient signale une {trouble} depuis {number} jours.
Douleur de la {part}, {number}/10 à l'effort.
Pas de fièvre ni de perte de poids.
Traitement : {drug} {number} mg deux fois par jour.
Pas d'allergie connue.
Suivi par le docteur {name} depuis {month}.
Tension {number}/{number} mmHg, pouls {number} par minute.
Débuter {drug} {number} mg par jour pendant {number} jours.
Contrôle avec prise de sang dans {number} semaines."""),
        {
            "trouble": words(
                "lombalgie, toux, migraine, fatigue, hypertension, angine, bronchite, gastrite, anxiété, insomnie,"
                "dermatite, sciatique, anémie, goutte, otite, sinusite, tendinite, arythmie, sarcoïdose"
            ),
            "part": words("gorge, jambe, poitrine, tête, hanche, cheville, main, épaule, nuque, mâchoire, joue"),
            "month": words("janvier, mars, mai, juin, l'été, septembre, octobre, Noël, Pâques"),
        },
    ),
    "es": Tongue(
        ("médico", "paciente"),
        lines("""
¿Qué le trae por aquí?
¿Desde cuándo tiene {trouble}?
¿Ha tenido fiebre o escalofríos?
¿Sigue tomando {drug}?
Vamos a mirar esa {part}.
La tensión está en {number} sobre {number}.
Tome {drug}, {number} miligramos, dos veces al día.
Repetimos el análisis en {number} semanas.
¿Le ha visto el doctor {name}?"""),
        lines("""
Me duele la {part} desde hace {number} días.
No, nada de eso, doctor.
Tengo {trouble} desde {month} y va a peor.
Tomo {drug}, {number} miligramos por la mañana.
Mi hermana {name} tuvo lo mismo a los {number} años.
Sí, un poco mejor que la semana pasada.
Dejé el {drug} porque me sentaba mal.
Duermo {number} horas, no más."""),
        lines("""
El paciente refiere {trouble} desde hace {number} días.
Dolor en la {part}, {number}/10 con el esfuerzo.
Niega fiebre y pérdida de peso.
Toma {drug} {number} mg dos veces al día.
Sin alergias conocidas.
Seguido por el doctor {name} desde {month}.
Tensión {number}/{number} mmHg, pulso {number} por minuto.
Iniciar {drug} {number} mg al día durante {number} días.
Control con análisis en {number} semanas."""),
        {
            "trouble": words(
                "lumbalgia, tos, migraña, cansancio, hipertensión, anginas, bronquitis, gastritis, ansiedad, insomnio,"
                "dermatitis, ciática, anemia, gota, otitis, sinusitis, tendinitis, arritmia, sarcoidosis"
            ),
            "part": words("espalda, rodilla, garganta, cabeza, cadera, pierna, mano, muñeca, mandíbula, pantorrilla"),
            "month": words("enero, marzo, mayo, junio, el verano, septiembre, octubre, Navidad"),
        },
    ),
}


class Writer:
    """Writes one consultation."""

    def __init__(self, number: int) -> None:
        self.random = random.Random(number)  # noqa: S311 (nothing secret)
        self.language = self.random.choice(LANGUAGES)
        self.tongue = TONGUES[self.language[:2]]

    def consultation(self) -> Text:
        title = self.chosen(self.tongue.words["trouble"])
        template, count = self.random.choice(TEMPLATES), self.random.randint(3, len(SECTIONS))
        return Text(self.language, template, title.capitalize(), list(self.spoken()), list(self.noted(count)))

    def spoken(self) -> Iterator[dict[str, Any]]:
        at = 0
        for place in range(self.random.randint(20, 60)):
            text = self.filled(self.random.choice((self.tongue.asked, self.tongue.answered)[place % 2]))
            end = at + 60 * len(text)
            speaker = self.tongue.speakers[place % 2]
            yield {"text": text, "speaker": speaker, "start_offset_ms": at, "end_offset_ms": end}
            at = end + self.random.randint(100, 2000)

    def noted(self, count: int) -> Iterator[dict[str, str]]:
        for key in SECTIONS[:count]:
            sentences = self.random.sample(self.tongue.noted, self.random.randint(1, 4))
            text = " ".join(self.filled(sentence) for sentence in sentences)
            yield {"key": key, "title": key.replace("_", " ").capitalize(), "text": text}

    def filled(self, sentence: str) -> str:
        return SLOT.sub(lambda slot: self.chosen(self.offered(slot[1])), sentence)

    def offered(self, slot: str) -> list[str]:
        return {"name": NAMES, "number": NUMBERS, "drug": DRUGS}.get(slot) or self.tongue.words[slot]

    def chosen(self, offered: list[str]) -> str:
        """The first word twice as often as the second, three times as often as the third: Zipf's law."""
        return offered[int((len(offered) + 1) ** self.random.random()) - 1]


def write(number: int) -> Text:
    return Writer(number).consultation()
