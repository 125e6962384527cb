"""Events, webhooks and their deliveries as staff see them."""

from access import desk
from access.models import Membership
from feed.admin import deliveries, endpoints, events
from feed.admin.filters import in_trouble
from feed.models import Endpoint

__all__ = ["deliveries", "endpoints", "events"]

desk.register_count(
    desk.Count(
        10,
        "webhooks in trouble",
        lambda _: in_trouble(Endpoint.objects.all()),
        "admin:feed_endpoint_changelist",
        "trouble=yes",
        readers=Membership.Role.MANAGER,
    )
)
