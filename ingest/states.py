"""What may follow what for sessions, requests and submissions. Repeats are legal no-ops (config.states)."""

from config.states import StateTable

SESSION = StateTable(
    "session",
    {
        "open": {"recording", "closed"},  # no audio has come yet
        "recording": {"closed"},  # audio has come, more may follow
        "closed": set(),  # nothing more is taken
    },
)

REQUEST = StateTable(
    "request",
    {
        "queued": {"submitting", "ready", "failed", "cancelled"},  # a try waits for a worker; an older one may answer
        "submitting": {"queued", "waiting", "ready", "failed", "cancelled"},  # a worker is asking the vendor
        "waiting": {"queued", "ready", "failed", "cancelled"},  # the vendor has it; queued again when it stays silent
        "ready": set(),  # every asked object is there
        "failed": {"queued", "ready", "cancelled"},  # says why; a retry, or a success that comes after all, goes on
        "cancelled": set(),  # whatever comes now is kept and not applied
    },
)

SUBMISSION = StateTable(
    "submission",
    {
        "queued": {"submitting", "answered", "failed", "replaced", "cancelled"},  # due at next_attempt_at
        "submitting": {"queued", "waiting", "answered", "failed", "replaced", "cancelled"},  # leased to a worker
        "waiting": {"answered", "failed", "replaced", "cancelled"},  # accepted by the vendor
        "replaced": {"answered"},  # a later try was made; its own answer still counts when it comes first
        "failed": {"answered", "replaced"},  # refused, or failed at the vendor, who may yet succeed
        "answered": set(),  # its success was applied
        "cancelled": set(),
    },
)
