"""What is behind the link of a notice is fetched as work: an inquiry of its own for each notice."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ingest", "0009_more_than_one_audio"),
    ]

    operations = [
        migrations.AddField(
            model_name="inquiry",
            name="callback",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="inquiry",
                to="ingest.callback",
            ),
        ),
        migrations.AlterField(
            model_name="inquiry",
            name="submission",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="inquiries", to="ingest.submission"
            ),
        ),
        migrations.AddConstraint(
            model_name="inquiry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("callback__isnull", True)),
                fields=("submission",),
                name="inquiry_one_asks_for_a_submission",
            ),
        ),
        migrations.AlterField(
            model_name="callback",
            name="proven_by",
            field=models.CharField(
                choices=[
                    ("ticket", "ticket of a submission"),
                    ("api_key", "API key of a partner system"),
                    ("application", "token of a partner system"),
                    ("account", "the vendor's signature or token"),
                    ("polled", "fetched from the vendor"),
                    ("streamed", "the last word of a stream to the vendor"),
                ],
                max_length=20,
            ),
        ),
        # Undone, it leaves one for each submission: what is behind the links of notices is not known of before this.
        migrations.RunSQL(migrations.RunSQL.noop, "DELETE FROM ingest_inquiry WHERE callback_id IS NOT NULL"),
    ]
