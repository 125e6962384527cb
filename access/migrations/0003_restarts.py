from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0002_proof_and_record"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="accessseal",
            index=models.Index(
                condition=models.Q(("restarted", True)), fields=["clinic", "number"], name="access_log_restarts"
            ),
        ),
    ]
