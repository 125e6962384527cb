"""What may follow what for a note under review. Repeats are legal no-ops (config.states)."""

from config.states import StateTable

NOTE = StateTable(
    "note",
    {
        "needs_review": {"in_review", "rejected", "entered_in_error"},  # nobody has it yet
        "in_review": {"needs_review", "approved", "rejected", "entered_in_error"},  # claimed by one person
        "approved": {"in_review", "signed", "rejected", "entered_in_error"},  # read and found right
        "signed": {"amended", "entered_in_error"},  # locked; addenda only
        "amended": {"entered_in_error"},  # signed, with addenda
        "rejected": {"needs_review"},  # with a reason; may be taken up again
        "entered_in_error": set(),
    },
)
