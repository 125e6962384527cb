"""A note's sections by their LOINC codes, under the keys that notes have here.

Source: LOINC's document sections.
"""

from __future__ import annotations

import re

#: LOINC code -> our key, and the title where the vendor gives none.
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
_LOINC = re.compile(r"[0-9]{1,7}-[0-9]")


def named(code: str | None, title: str) -> tuple[str, str]:
    """The key and the title of a section; a code that is new here becomes the key `LOINC_<code>`."""
    key, usual_title = SECTIONS.get(code or "", ("", ""))
    if not key:
        key = f"LOINC_{code}" if code and _LOINC.fullmatch(code) else "OTHER"
    return key, title or usual_title
