"""All settings. What an operator gives comes from the environment (docs/operations.md); the rest is decided here."""

import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from celery.schedules import crontab
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue

from config import environment
from config.environment import env
from config.logging import configuration

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY")
TICKET_KEYS = environment.ticket_keys("TICKET_KEYS")
CREDENTIAL_KEYS = env.list("CREDENTIAL_KEYS")

# --- Where we are, and whom we may call
PUBLIC_URL = environment.address("PUBLIC_URL")
DOOR_URL = environment.address("DOOR_URL")
OUTBOUND_ALLOW = environment.networks("OUTBOUND_ALLOW")
OUTBOUND_PORTS = environment.ports("OUTBOUND_PORTS")
OUTBOUND_PROXY = environment.proxy("OUTBOUND_PROXY")
_public = urlsplit(PUBLIC_URL)
ALLOWED_HOSTS = [_public.hostname, *env.list("ALLOWED_HOSTS", default=[])]
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"]

# --- How long and how much
WEBHOOK_FAILING_DAYS = environment.positive("WEBHOOK_FAILING_DAYS", 5)
CALLBACK_OVERDUE_SECONDS = environment.positive("CALLBACK_OVERDUE_SECONDS", 50 * 60)
CALLBACK_ASK_AGAIN = env.int("CALLBACK_ASK_AGAIN", default=0)
DOOR_MAX_BYTES = environment.positive("DOOR_MAX_BYTES", 10 * 1024 * 1024)
DOOR_BODY_SECONDS = environment.positive("DOOR_BODY_SECONDS", 20)
AUDIO_MAX_BYTES = environment.positive("AUDIO_MAX_BYTES", 1024 * 1024 * 1024)
AUDIO_UPLOAD_SECONDS = environment.positive("AUDIO_UPLOAD_SECONDS", 3600)
RECORDING_MAX_BYTES = environment.positive("RECORDING_MAX_BYTES", 2 * 1024**3)
FILE_TICKET_SECONDS = environment.positive("FILE_TICKET_SECONDS", 2 * 3600)
STREAMS_AT_ONCE = environment.positive("STREAMS_AT_ONCE", 16)
IDEMPOTENCY_HOURS = environment.positive("IDEMPOTENCY_HOURS", 24)
SUBMISSION_ATTEMPTS = environment.positive("SUBMISSION_ATTEMPTS", 10)
SUBMISSION_RETRY_SECONDS = environment.positive("SUBMISSION_RETRY_SECONDS", 5)
ALERT_CALLBACK_SECONDS = environment.positive("ALERT_CALLBACK_SECONDS", 300)
ALERT_REQUEST_SECONDS = environment.positive("ALERT_REQUEST_SECONDS", 900)
ALERT_OVERDUE_SECONDS = environment.positive("ALERT_OVERDUE_SECONDS", 600)
ALERT_FEED_SECONDS = environment.positive("ALERT_FEED_SECONDS", 300)
ALERT_HEARTBEAT_SECONDS = environment.positive("ALERT_HEARTBEAT_SECONDS", 120)
PLAYBACK_REDIRECT = env.str("PLAYBACK_REDIRECT", default="")
if not re.fullmatch(r"|s3|x-accel:/([\w.-]+/)*", PLAYBACK_REDIRECT):
    raise ImproperlyConfigured("PLAYBACK_REDIRECT must be empty, s3, or a place such as x-accel:/internal/")
WEB_THREADS = environment.positive("WEB_THREADS", 8)
STATEMENT_SECONDS = env.int("STATEMENT_SECONDS", default=30)
SESSION_IDLE_SECONDS = environment.positive("SESSION_IDLE_SECONDS", 15 * 60)
SESSION_LONGEST_SECONDS = environment.positive("SESSION_LONGEST_SECONDS", 12 * 3600)
SIGN_IN_FAILURES = environment.positive("SIGN_IN_FAILURES", 5)
SIGN_IN_LOCKOUT_SECONDS = environment.positive("SIGN_IN_LOCKOUT_SECONDS", 15 * 60)
SECOND_FACTOR = env.str("SECOND_FACTOR", default="optional")
if SECOND_FACTOR not in ("optional", "required"):
    raise ImproperlyConfigured("SECOND_FACTOR must be optional or required")
RATE_PER_KEY = environment.rate("RATE_PER_KEY", "30000/minute")
RATE_PER_ADDRESS = environment.rate("RATE_PER_ADDRESS", "60000/minute")
RATE_REFUSED = environment.rate("RATE_REFUSED", "300/minute")
RATE_SIGN_IN = environment.rate("RATE_SIGN_IN", "120/minute")

# --- Who may read /metrics; empty: nobody. Nothing limits guesses at it, so it has to be long.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="").strip()
if METRICS_TOKEN and not re.fullmatch(r"[A-Za-z0-9._~+/=-]{20,}", METRICS_TOKEN):
    raise ImproperlyConfigured("METRICS_TOKEN must be 20 or more of letters, digits and ._~+/=-, or empty")

# --- Data
DATABASES = {"default": env.db_url("DATABASE_URL")}
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
DATABASES["default"]["OPTIONS"] = environment.patience(STATEMENT_SECONDS) | DATABASES["default"].get("OPTIONS", {})
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.str("REDIS_URL")
STORAGES = {
    "default": environment.storage("STORAGE_URL", is_for_group=PLAYBACK_REDIRECT.startswith("x-accel:")),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
UPLOAD_DIR = env.str("UPLOAD_DIR", default=str(BASE_DIR / "var" / "uploads"))
STATIC_URL = "/static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(BASE_DIR / "var" / "static"))

# --- Django
INSTALLED_APPS = [
    "config",
    "access",
    "ingest",
    "notes",
    "recordings",
    "feed",
    "access.signin.apps.DeskAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "axes",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "config.requests.RequestIdMiddleware",
    "config.requests.HeadersMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "access.limits.LimitsMiddleware",
    "config.conditional.ConditionalMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "access.signin.middleware.SessionMiddleware",
    "access.signin.middleware.SecondFactorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "access.refusals.RefusalMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATICFILES_DIRS = [("listenpost", BASE_DIR / "templates" / "static")]
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"
ROOT_URLCONF = "config.urls"
CSRF_FAILURE_VIEW = "config.problems.csrf_failure"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "access.User"
LANGUAGE_CODE = "en-gb"
USE_TZ = True
TIME_ZONE = "UTC"
APPEND_SLASH = False
# A vendor's note has up to 1,000 sections, each a field of its page; config.web takes no larger body.
DATA_UPLOAD_MAX_NUMBER_FIELDS, DATA_UPLOAD_MAX_MEMORY_SIZE = 2000, 10 * 1024 * 1024

# --- Safe by default; plain http only where PUBLIC_URL says so
_https = _public.scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _https
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
# With __Host-, no other host or plain page of the domain can set them in our place; browsers insist on Secure for it.
_prefix = "__Host-" if _https else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{_prefix}sessionid", f"{_prefix}csrftoken"
# Not Strict: a link in a clinic's own system or in a mail would come without the session, and ask whoever is signed in
# to sign in again; without the other cookie it would get a new one, and every form open elsewhere would be refused.
# What changes anything is a POST, which Lax withholds from other sites as Strict does, and which needs the token too.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
# Browsers hold the subdomains to it for a year: where PUBLIC_URL is a clinic's own domain, those are not ours to bind.
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https and env.bool("HSTS_SUBDOMAINS", default=False)
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "media-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# --- Signing in: access.signin
LOGIN_URL, LOGIN_REDIRECT_URL = "admin:login", "admin:index"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "access.signin.backend.DeskBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "first_name", "last_name", "email"), "max_similarity": 0.6},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "access.signin.passwords.RepetitionValidator"},
]
# The row ends when it has idled; the cookie says nothing of it, and goes when the browser does.
SESSION_COOKIE_AGE = SESSION_IDLE_SECONDS
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
OTP_TOTP_ISSUER = "Listenpost"
AXES_LOCKOUT_PARAMETERS = ["username"]  # a clinic's people all come from one address
SILENCED_SYSTEM_CHECKS = [
    "axes.W006",  # wants addresses; counting by name goes over all addresses and browsers
    *("security.W005", "security.W021"),  # want what HSTS_SUBDOMAINS decides
]
AXES_FAILURE_LIMIT = SIGN_IN_FAILURES
AXES_COOLOFF_TIME = timedelta(seconds=SIGN_IN_LOCKOUT_SECONDS)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "access.log.address"
AXES_USERNAME_CALLABLE = "access.signin.lockout.known_as"
AXES_LOCKOUT_CALLABLE = "access.signin.lockout.locked_out"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "code", "next", "csrfmiddlewaretoken"]
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ACCESS_FAILURE_LOG = AXES_ENABLE_ADMIN = AXES_VERBOSE = False

# --- REST
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["access.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["access.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["config.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["config.rest.JSON"],
    "DEFAULT_PAGINATION_CLASS": "config.paging.NewestFirst",
    "DEFAULT_FILTER_BACKENDS": ["config.rest.StrictFilters"],
    "DEFAULT_SCHEMA_CLASS": "config.schema.ProblemSchema",
    "EXCEPTION_HANDLER": "config.problems.handle",
    "DATETIME_FORMAT": "iso-8601",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_METADATA_CLASS": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Listenpost",
    "DESCRIPTION": (
        "Consultation audio in, scribe notes out. Errors are problem documents (RFC 9457), also those that no operation"
        " lists: 405 for a method that an address does not take, and 500 for what nobody foresaw."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "TAGS": [
        {"name": "sessions", "description": "Consultations, their audio, and asking vendors to write them up."},
        {"name": "requests", "description": "What vendors were asked for, and what became of it."},
        {"name": "transcripts", "description": "What was said, line by line."},
        {"name": "notes", "description": "What was written of it, as far as people have reviewed it."},
        {"name": "recordings", "description": "The original audio, as vendors keep it and as it is kept here."},
        {"name": "events", "description": "All that happened, in its order, for those who ask."},
        {"name": "webhooks", "description": "The same, for those who want to be told."},
    ],
    "SORT_OPERATIONS": False,
    "WEBHOOKS": ["feed.webhooks.described.EVENT"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": "{deepLinking: true, displayOperationId: true, plugins: [samples]}",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "config.samples.complete"],
    "ENUM_SUFFIX": "",
    "ENUM_NAME_OVERRIDES": {
        "Vendor": "vendors.VENDORS",
        "RecordingVendor": "recordings.serializers.keeping",
        "EventObject": "feed.shown.ADDRESSES",
        "EventType": "feed.events.Kind",
        "WebhookType": "feed.webhooks.serializers.KINDS",
        "WebhookState": "feed.models.Endpoint.State",
        "DeliveryState": "feed.models.Delivery.State",
        "RequestState": "ingest.models.AsyncRequest.State",
        "SessionState": "ingest.models.Session.State",
        "NoteState": "notes.models.Note.State",
        "RecordingState": "recordings.models.Recording.State",
        "SessionKind": "ingest.models.Session.Kind",
    },
}

# --- Celery is the bell: rows hold the work, a lost message costs one sweep. See docs/architecture.md.
# The default exchange ("") routes by queue name alone; a named one keeps its bindings in Redis, where a FLUSHALL
# would drop them and every later bell would vanish without an error.
CELERY_BROKER_URL = REDIS_URL
_queues = ("submissions", "streams", "callbacks", "sweeps", "recordings", "feed", "chores")
# No acknowledgements: a lost bell costs one sweep. They would be sent by the pool's threads on the connection that the
# consumer listens on, and where Redis ended at that moment, the consumer has listened to nothing ever after.
CELERY_TASK_QUEUES = [Queue(name, Exchange(""), routing_key=name, no_ack=True) for name in _queues]
CELERY_TASK_DEFAULT_QUEUE = "submissions"
CELERY_TASK_DEFAULT_EXCHANGE = ""
CELERY_TASK_ROUTES = {
    "ingest.submit": {"queue": "submissions", "routing_key": "submissions"},
    "ingest.stream": {"queue": "streams", "routing_key": "streams"},
    "ingest.inquire": {"queue": "submissions", "routing_key": "submissions"},
    "ingest.process": {"queue": "callbacks", "routing_key": "callbacks"},
    "ingest.sweep": {"queue": "sweeps", "routing_key": "sweeps"},
    "ingest.draw": {"queue": "chores", "routing_key": "chores"},
    "access.seal": {"queue": "chores", "routing_key": "chores"},
    "access.clear_sessions": {"queue": "chores", "routing_key": "chores"},
    "access.clear_answers": {"queue": "chores", "routing_key": "chores"},
    "recordings.archive": {"queue": "recordings", "routing_key": "recordings"},
    "recordings.refresh": {"queue": "recordings", "routing_key": "recordings"},
    "recordings.forget_listenings": {"queue": "chores", "routing_key": "chores"},
    "feed.forget_deliveries": {"queue": "chores", "routing_key": "chores"},
    "feed.sequence": {"queue": "feed", "routing_key": "feed"},
    "feed.deliver": {"queue": "feed", "routing_key": "feed"},
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 15,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "retry_on_timeout": True,
    "health_check_interval": 10,
    "visibility_timeout": 300,
    "unacked_restore_throttle": 1,
    "unacked_restore_interval": 5,
}
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 2, "interval_start": 0.1, "interval_max": 0.5}
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "ingest.sweep", "schedule": 5.0, "options": {"expires": 10}},
    "sequence": {"task": "feed.sequence", "schedule": 5.0, "options": {"expires": 10}},
    "deliver": {"task": "feed.deliver", "schedule": 5.0, "options": {"expires": 10}},
    "seal": {"task": "access.seal", "schedule": 60.0, "options": {"expires": 60}},
    "clear_sessions": {"task": "access.clear_sessions", "schedule": crontab(hour="3", minute="20")},
    "clear_answers": {"task": "access.clear_answers", "schedule": crontab(hour="3", minute="30")},
    "forget_listenings": {"task": "recordings.forget_listenings", "schedule": crontab(hour="3", minute="40")},
    "forget_deliveries": {"task": "feed.forget_deliveries", "schedule": crontab(hour="3", minute="50")},
    # One that expires on its way says nothing; a queue that lags by less than a minute is still served.
    **{
        f"heartbeat-{name}": {
            "task": "ingest.heartbeat",
            "args": [name],
            "schedule": 15.0,
            "options": {"queue": name, "expires": 60},
        }
        for name in _queues
    },
}

LOGGING = configuration(env.str("LOG_LEVEL", default="INFO"))
LOGGING_CONFIG = "logging.config.dictConfig"
