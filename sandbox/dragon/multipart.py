"""multipart/form-data (RFC 7578), read strictly: what is sent here is ours to get right."""

from email import message_from_bytes
from email.message import Message


class NotAForm(ValueError):
    pass


def read_form(content_type: str, body: bytes) -> dict[str, bytes]:
    """The fields by name, each only once. Raises NotAForm."""
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary(content_type))
    if len(parts) < 3 or not parts[-1].startswith(b"--"):
        raise NotAForm("the multipart body does not end with its boundary")
    found: dict[str, bytes] = {}
    for part in parts[1:-1]:
        name, content = field(part)
        if name in found:
            raise NotAForm(f"the field {name} is repeated")
        found[name] = content
    return found


def boundary(content_type: str) -> bytes:
    head = Message()
    head["Content-Type"] = content_type
    named = head.get_boundary()
    if head.get_content_type() != "multipart/form-data" or not named:
        raise NotAForm("the Content-Type must be multipart/form-data with a boundary")
    return named.encode()


def field(part: bytes) -> tuple[str, bytes]:
    """(name, content) of what stands between two boundaries."""
    head, blank, content = part.partition(b"\r\n\r\n")
    name = message_from_bytes(head.lstrip(b"\r\n")).get_param("name", header="content-disposition")
    if not blank or not isinstance(name, str):
        raise NotAForm("a part has no name")
    return name, content
