"""How people sign in, and how long that lasts. The admin's site is `site.DeskSite`; programs come by access.bearer."""
