"""Note templates: which sections each holds, in which languages, and what of a consultation goes into each."""

from collections.abc import Mapping
from dataclasses import dataclass

HISTORY = (
    "CHIEF_COMPLAINT",
    "HISTORY_OF_PRESENT_ILLNESS",
    "PAST_MEDICAL_HISTORY",
    "PAST_SURGICAL_HISTORY",
    "PAST_OBSTETRIC_HISTORY",
    "FAMILY_HISTORY",
    "SOCIAL_HISTORY",
    "ALLERGIES",
    "CURRENT_MEDICATIONS",
    "IMMUNIZATIONS",
)
FINDINGS = ("VITALS", "LAB_RESULTS", "IMAGING_RESULTS", "PHYSICAL_EXAM")
ASSESSMENT_AND_PLAN = ("ASSESSMENT", "PLAN")
AFTERWARDS = ("PRESCRIPTION", "APPOINTMENTS")

# A section of the template -> the subjects of the consultation that are told in it.
Sections = Mapping[str, tuple[str, ...]]


def same(*keys: str) -> dict[str, tuple[str, ...]]:
    return {key: (key,) for key in keys}


GM: Sections = same(*HISTORY, *FINDINGS, *ASSESSMENT_AND_PLAN, *AFTERWARDS)
GM_MERGED: Sections = {
    **same(*HISTORY, *FINDINGS),
    "ASSESSMENT_AND_PLAN": ASSESSMENT_AND_PLAN,
    **same(*AFTERWARDS),
}
SOAP: Sections = {
    "SOAP_SUBJECTIVE": HISTORY,
    "SOAP_OBJECTIVE": FINDINGS,
    "SOAP_ASSESSMENT": ("ASSESSMENT",),
    "SOAP_PLAN": ("PLAN", *AFTERWARDS),
}
PSYCHOLOGY: Sections = {
    "CHIEF_COMPLAINT": ("CHIEF_COMPLAINT",),
    "PSYCHOLOGY_HISTORY_OF_COMPLAINT": ("HISTORY_OF_PRESENT_ILLNESS", "PSYCHOLOGY_HISTORY_OF_COMPLAINT"),
    **same("MENTAL_HEALTH_HISTORY", "SOCIAL_HISTORY", "MENTAL_HEALTH_EXAM", "ASSESSMENT"),
    "PLAN": ("PLAN", "PRESCRIPTION"),
    "APPOINTMENTS": ("APPOINTMENTS",),
}
DIET: Sections = {
    "DIET_LIFESTYLE": ("DIET_LIFESTYLE",),
    "DIET_MEDICAL_HISTORY": (*HISTORY[1:6], *HISTORY[7:]),
    "DIET_CHIEF_COMPLAINT": ("CHIEF_COMPLAINT",),
    "DIET_VITALS": ("VITALS",),
    "DIET_HABITS": ("DIET_HABITS",),
    "DIET_OBJECTIVES": ("DIET_OBJECTIVES", "PLAN"),
    "DIET_APPOINTMENTS": ("APPOINTMENTS",),
}
WELL_CHILD = same("WELL_CHILD_CARE")


@dataclass(frozen=True)
class Template:
    sections: Sections
    languages: tuple[str, ...] = ("en", "fr")


TEMPLATES: Mapping[str, Template] = {
    "GENERAL_MEDICINE": Template(GM),
    "GENERAL_MEDICINE_AP_MERGED": Template(GM_MERGED, ("en",)),
    "CARDIOLOGY": Template({**GM, **same("CARDIOVASCULAR_RISKS")}),
    "PSYCHIATRY": Template({**GM, **same("MENTAL_HEALTH_EXAM")}),
    "PSYCHOLOGY": Template(PSYCHOLOGY),
    "DIET": Template(DIET),
    "SOAP": Template(SOAP),
    "GENERAL_MEDICINE_WCC": Template({**GM, **WELL_CHILD}, ("en",)),
    "SOAP_WCC": Template({**SOAP, **WELL_CHILD}, ("en",)),
    "GENERAL_MEDICINE_EMERGENCY": Template(GM, ("en",)),
    "SOAP_EMERGENCY": Template(SOAP, ("en",)),
}

FRENCH = {
    "CHIEF_COMPLAINT": "Motif de consultation",
    "HISTORY_OF_PRESENT_ILLNESS": "Histoire de la maladie",
    "PAST_MEDICAL_HISTORY": "Antécédents médicaux",
    "PAST_SURGICAL_HISTORY": "Antécédents chirurgicaux",
    "PAST_OBSTETRIC_HISTORY": "Antécédents obstétricaux",
    "FAMILY_HISTORY": "Antécédents familiaux",
    "SOCIAL_HISTORY": "Mode de vie",
    "ALLERGIES": "Allergies",
    "CURRENT_MEDICATIONS": "Traitements en cours",
    "IMMUNIZATIONS": "Vaccinations",
    "VITALS": "Constantes",
    "LAB_RESULTS": "Résultats de laboratoire",
    "IMAGING_RESULTS": "Imagerie",
    "PHYSICAL_EXAM": "Examen clinique",
    "ASSESSMENT": "Conclusion",
    "PLAN": "Conduite à tenir",
    "PRESCRIPTION": "Ordonnance",
    "APPOINTMENTS": "Rendez-vous",
    "CARDIOVASCULAR_RISKS": "Facteurs de risque cardiovasculaire",
    "MENTAL_HEALTH_EXAM": "Examen psychique",
    "PSYCHOLOGY_HISTORY_OF_COMPLAINT": "Histoire de la plainte",
    "MENTAL_HEALTH_HISTORY": "Antécédents psychiques",
    "DIET_LIFESTYLE": "Mode de vie",
    "DIET_MEDICAL_HISTORY": "Antécédents médicaux",
    "DIET_CHIEF_COMPLAINT": "Motif de consultation",
    "DIET_VITALS": "Mesures",
    "DIET_HABITS": "Habitudes alimentaires",
    "DIET_OBJECTIVES": "Objectifs",
    "DIET_APPOINTMENTS": "Rendez-vous",
    "SOAP_SUBJECTIVE": "Subjectif",
    "SOAP_OBJECTIVE": "Objectif",
    "SOAP_ASSESSMENT": "Évaluation",
    "SOAP_PLAN": "Plan",
}


def title(key: str, language: str) -> str:
    if language == "fr":
        return FRENCH[key]
    shown = key.removeprefix("SOAP_").removeprefix("DIET_").removeprefix("PSYCHOLOGY_")
    return shown.replace("_", " ").capitalize()
