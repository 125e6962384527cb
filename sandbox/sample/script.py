"""The words of the sample consultation and the note a careful clinician would write of it. No patient: all invented."""

LANGUAGE = "en-US"
DOCTOR, PATIENT = "doctor", "patient"

DIALOGUE = [
    (DOCTOR, "Good morning. What brings you in today?"),
    (PATIENT, "I have had headaches for two weeks, mostly in the morning. Maybe a five out of ten."),
    (DOCTOR, "Any blurred vision, chest pain or shortness of breath?"),
    (PATIENT, "No, none of that. But my blood pressure tablets ran out a month ago, and I never got more."),
    (DOCTOR, "Which tablets were they? And are you allergic to anything?"),
    (PATIENT, "Lisinopril, 10 milligrams once a day. And penicillin gives me a rash."),
    (DOCTOR, "Your blood pressure is one forty over ninety, and your pulse is 78. Heart and lungs sound normal."),
    (PATIENT, "My father had a stroke at 60, so I am worried."),
    (
        DOCTOR,
        "I understand. Your pressure is up because you are off treatment, and this looks like tension headache. "
        "Restart lisinopril, 10 milligrams every morning. Take acetaminophen, 500 milligrams, when it hurts, "
        "no more than six tablets a day.",
    ),
    (PATIENT, "Okay. And should I check my pressure at home?"),
    (
        DOCTOR,
        "Yes, twice a day, and write it down. Have blood taken for kidney function and potassium, "
        "and come back in two weeks. If you get a sudden severe headache, weakness or trouble speaking, call 911.",
    ),
    (PATIENT, "All right. Thank you, doctor."),
]

TITLE = "Headache and untreated hypertension"

PROBLEMS = [
    (
        "Headache",
        "Two-week history of headaches, mostly in the morning, rated 5/10. "
        "Denies blurred vision, chest pain and shortness of breath.",
    ),
    ("Hypertension", "Lisinopril ran out one month ago and was not refilled; no treatment since."),
]

SECTIONS = [
    ("CHIEF_COMPLAINT", "Chief complaint", "Headaches for two weeks."),
    ("HISTORY_OF_PRESENT_ILLNESS", "History of present illness", " ".join(text for _, text in PROBLEMS)),
    ("PAST_MEDICAL_HISTORY", "Past medical history", "Hypertension."),
    ("FAMILY_HISTORY", "Family history", "Father: stroke at age 60."),
    ("ALLERGIES", "Allergies", "Penicillin (rash)."),
    (
        "CURRENT_MEDICATIONS",
        "Current medications",
        "Lisinopril 10 mg by mouth once daily: not taken for the past month.",
    ),
    ("VITALS", "Vitals", "Blood pressure 140/90 mmHg. Pulse 78/min."),
    ("PHYSICAL_EXAM", "Physical exam", "Heart: normal on auscultation. Lungs: normal on auscultation."),
    (
        "ASSESSMENT",
        "Assessment",
        "Hypertension, above target after one month without treatment. Headache, most consistent with tension type; "
        "no visual, chest or respiratory symptoms reported. Family history of stroke; patient is worried.",
    ),
    (
        "PLAN",
        "Plan",
        "- Restart lisinopril.\n"
        "- Acetaminophen as needed for headache.\n"
        "- Home blood pressure twice daily, written down.\n"
        "- Blood test: kidney function and potassium.\n"
        "- Call 911 for sudden severe headache, weakness or trouble speaking.",
    ),
    (
        "PRESCRIPTION",
        "Prescription",
        "Lisinopril 10 mg by mouth every morning.\n"
        "Acetaminophen 500 mg by mouth as needed for headache, at most 6 tablets (3 g) a day.",
    ),
    ("APPOINTMENTS", "Appointments", "Follow-up visit in two weeks."),
]
