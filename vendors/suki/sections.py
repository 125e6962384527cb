"""Which sections of a note a template asks Suki for.

That Suki writes sections by LOINC's codes is documented; which of them it writes is our reading.
"""

from __future__ import annotations

from vendors.loinc import SECTIONS

_CODES = {key: code for code, (key, _) in SECTIONS.items()}

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
