"""What all vendors' control APIs share: health, reset, the list of faults, the record of requests."""

from collections.abc import Mapping

from sandbox.faults import BadFault, Faults
from sandbox.ledger import Ledger
from sandbox.messages import Answer, NotJson, Request, Vendor, read_object


def control(request: Request, vendors: Mapping[str, Vendor]) -> Answer:
    """/control/health, /control/reset and /control/<vendor>/..."""
    name, _, path = request.path.removeprefix("/control/").partition("/")
    if (request.method, name) == ("GET", "health"):
        return Answer(200, {"status": "ok", "vendors": sorted(vendors)})
    if (request.method, name) == ("POST", "reset"):
        for vendor in vendors.values():
            vendor.reset()
        return Answer(200, {"status": "reset"})
    if name not in vendors:
        return Answer(404, {"message": "no such control address"})
    try:
        return vendors[name].control(request, path)
    except (NotJson, BadFault) as error:
        return Answer(400, {"message": str(error)})


def control_faults(request: Request, faults: Faults) -> Answer:
    if request.method == "GET":
        return Answer(200, [fault.shown() for fault in faults.all()])
    if request.method == "POST":
        return Answer(201, faults.add(read_object(request.body)).shown())
    if request.method == "DELETE":
        faults.clear()
        return Answer(200, [])
    return Answer(405, {"message": "GET, POST or DELETE"})


def control_requests(request: Request, ledger: Ledger, identifier: str) -> Answer:
    """All that was received, oldest first; with an identifier (client_request_id or request_id) that one alone."""
    if request.method != "GET":
        return Answer(405, {"message": "GET"})
    if not identifier:
        return Answer(200, [entry.shown() for entry in ledger.all()])
    entry = ledger.find(identifier)
    return Answer(200, entry.shown()) if entry else Answer(404, {"message": "no such request"})
