"""What is posted to a webhook, for the API's description: this time the service asks, and the subscriber answers."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiWebhook

from config import examples

POSTED = """\
Posts an event to a webhook, as Standard Webhooks have it (standardwebhooks.com).

The signature is over the id, the time and the body, under the webhook's secret; while a secret is exchanged there are
two of them. An event may come twice and in any order: its id tells. What is not answered with success within 15 seconds
is sent again, for more than a day."""


def header(name: str, description: str, example: str) -> dict[str, Any]:
    schema = {"type": "string"}
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }


EVENT = OpenApiWebhook(
    "event",
    {
        "post": {
            "summary": "Posts an event to a webhook",
            "description": POSTED,
            "tags": ["webhooks"],
            "parameters": [
                header("webhook-id", "The event's id: the same at every try.", examples.EVENT),
                header("webhook-timestamp", "When this try was made, in Unix seconds.", "1772444525"),
                header("webhook-signature", "v1 and base64 of an HMAC-SHA256; several by spaces.", examples.SIGNATURE),
            ],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Event"}}},
            },
            "responses": {
                "2XX": {"description": "It has arrived."},
                "410": {"description": "Nothing is wanted here any more: the webhook is switched off."},
                "default": {"description": "It has not arrived, and is sent again. Redirects are not followed."},
            },
        }
    },
)
