from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0003_restarts"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="must_change_password",
            field=models.BooleanField(default=False, editable=False, help_text="Somebody else chose it."),
        ),
        migrations.AddField(
            model_name="user",
            name="factors_removed",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
    ]
