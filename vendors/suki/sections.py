"""A note's sections by their LOINC codes, under the keys that notes have here, and which of them a template has.

Source: LOINC's document sections. That these are the ones Suki writes is our reading: others are kept as they come.
"""

from __future__ import annotations

import re

#: LOINC code -> our key, and the title where Suki gives none.
SECTIONS = {
    "10154-3": ("CHIEF_COMPLAINT", "Chief complaint"),
    "10164-2": ("HISTORY_OF_PRESENT_ILLNESS", "History of present illness"),
    "10187-3": ("REVIEW_OF_SYSTEMS", "Review of systems"),
    "11348-0": ("PAST_MEDICAL_HISTORY", "Past medical history"),
    "47519-4": ("PAST_SURGICAL_HISTORY", "Past surgical history"),
    "10162-6": ("PAST_OBSTETRIC_HISTORY", "Past obstetric history"),
    "10157-6": ("FAMILY_HISTORY", "Family history"),
    "29762-2": ("SOCIAL_HISTORY", "Social history"),
    "48765-2": ("ALLERGIES", "Allergies"),
    "10160-0": ("CURRENT_MEDICATIONS", "Current medications"),
    "11369-6": ("IMMUNIZATIONS", "Immunizations"),
    "8716-3": ("VITALS", "Vitals"),
    "30954-2": ("LAB_RESULTS", "Results"),
    "18748-4": ("IMAGING_RESULTS", "Imaging results"),
    "29545-1": ("PHYSICAL_EXAM", "Physical exam"),
    "51848-0": ("ASSESSMENT", "Assessment"),
    "18776-5": ("PLAN", "Plan"),
    "51847-2": ("ASSESSMENT_AND_PLAN", "Assessment and plan"),
    "57828-6": ("PRESCRIPTION", "Prescription"),
    "56446-8": ("APPOINTMENTS", "Appointments"),
    "61150-9": ("SOAP_SUBJECTIVE", "Subjective"),
    "61149-1": ("SOAP_OBJECTIVE", "Objective"),
}
_CODES = {key: code for code, (key, _) in SECTIONS.items()}
_LOINC = re.compile(r"[0-9]{1,7}-[0-9]")

_HISTORY = (
    "CHIEF_COMPLAINT",
    "HISTORY_OF_PRESENT_ILLNESS",
    "REVIEW_OF_SYSTEMS",
    "PAST_MEDICAL_HISTORY",
    "PAST_SURGICAL_HISTORY",
    "FAMILY_HISTORY",
    "SOCIAL_HISTORY",
    "ALLERGIES",
    "CURRENT_MEDICATIONS",
    "VITALS",
    "LAB_RESULTS",
    "IMAGING_RESULTS",
    "PHYSICAL_EXAM",
)
#: Template -> the keys of the sections that are asked for.
TEMPLATES = {
    "GENERAL_MEDICINE": (*_HISTORY, "ASSESSMENT", "PLAN"),
    "GENERAL_MEDICINE_AP_MERGED": (*_HISTORY, "ASSESSMENT_AND_PLAN"),
    "SOAP": ("SOAP_SUBJECTIVE", "SOAP_OBJECTIVE", "ASSESSMENT", "PLAN"),
}


def codes(template: str) -> list[str]:
    """The LOINC codes of a template's sections, in their order."""
    return [_CODES[key] for key in TEMPLATES[template]]


def named(code: str | None, title: str) -> tuple[str, str]:
    """The key and the title of a section; a code that is new here becomes the key `LOINC_<code>`."""
    key, usual_title = SECTIONS.get(code or "", ("", ""))
    if not key:
        key = f"LOINC_{code}" if code and _LOINC.fullmatch(code) else "OTHER"
    return key, title or usual_title
