from django.contrib.admin.apps import AdminConfig


class DeskAdminConfig(AdminConfig):
    """django.contrib.admin, with our site as its only one."""

    default_site = "access.signin.site.DeskSite"
