"""Each filter of a list has its index, so that a list costs the same however long it is."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("ingest", "0006_no_result_digest")]

    operations = [
        migrations.AddIndex(
            model_name="session",
            index=models.Index(fields=["clinic", "state", "-id"], name="session_by_state"),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(fields=["clinic", "kind", "-id"], name="session_by_kind"),
        ),
        migrations.AddIndex(
            model_name="asyncrequest",
            index=models.Index(fields=["clinic", "vendor", "-id"], name="request_by_vendor"),
        ),
        migrations.RemoveIndex(model_name="callback", name="callback_by_vendor"),
        migrations.AddIndex(
            model_name="callback",
            index=models.Index(fields=["clinic", "vendor", "-id"], name="callback_by_vendor"),
        ),
        migrations.AddIndex(
            model_name="callback",
            index=models.Index(
                fields=["clinic", "-id"],
                name="callback_with_problem",
                condition=Q(state__in=("failed", "junk", "conflict", "mismatch", "orphan")),
            ),
        ),
    ]
