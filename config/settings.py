"""All settings. What an operator gives comes from the environment (docs/operations.md); the rest is decided here."""

from pathlib import Path
from urllib.parse import urlsplit

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
CALLBACK_OVERDUE_SECONDS = environment.positive("CALLBACK_OVERDUE_SECONDS", 50 * 60)
CALLBACK_ASK_AGAIN = env.int("CALLBACK_ASK_AGAIN", default=0)
DOOR_MAX_BYTES = environment.positive("DOOR_MAX_BYTES", 10 * 1024 * 1024)
DOOR_BODY_SECONDS = environment.positive("DOOR_BODY_SECONDS", 20)
AUDIO_MAX_BYTES = environment.positive("AUDIO_MAX_BYTES", 1024 * 1024 * 1024)
AUDIO_UPLOAD_SECONDS = environment.positive("AUDIO_UPLOAD_SECONDS", 3600)
FILE_TICKET_SECONDS = environment.positive("FILE_TICKET_SECONDS", 2 * 3600)
SUBMISSION_ATTEMPTS = environment.positive("SUBMISSION_ATTEMPTS", 10)
SUBMISSION_RETRY_SECONDS = environment.positive("SUBMISSION_RETRY_SECONDS", 5)
WEB_THREADS = environment.positive("WEB_THREADS", 8)
STATEMENT_SECONDS = env.int("STATEMENT_SECONDS", default=30)

# --- Data
DATABASES = {"default": env.db_url("DATABASE_URL")}
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
DATABASES["default"]["OPTIONS"] = environment.patience(STATEMENT_SECONDS) | DATABASES["default"].get("OPTIONS", {})
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.str("REDIS_URL")
STORAGES = {
    "default": environment.storage("STORAGE_URL"),
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
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "config.requests.RequestIdMiddleware",
    "config.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LANGUAGE_CODE = "en-gb"
USE_TZ = True
TIME_ZONE = "UTC"
APPEND_SLASH = False

# --- Safe by default; plain http only where PUBLIC_URL says so
_https = _public.scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = _https
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
X_FRAME_OPTIONS = "DENY"

# --- REST
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["access.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["access.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["config.parsing.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "config.rest.NewestFirst",
    "DEFAULT_FILTER_BACKENDS": ["config.rest.StrictFilters"],
    "DEFAULT_SCHEMA_CLASS": "config.schema.ProblemSchema",
    "EXCEPTION_HANDLER": "config.problems.handle",
    "PAGE_SIZE": 50,
    "DATETIME_FORMAT": "iso-8601",
    "UNAUTHENTICATED_USER": None,
    "DEFAULT_METADATA_CLASS": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Listenpost",
    "DESCRIPTION": "Consultation audio in, scribe notes out. Errors are RFC 9457 problem documents.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "RequestState": "ingest.models.AsyncRequest.State",
        "SessionState": "ingest.models.Session.State",
        "NoteState": "notes.models.Note.State",
    },
}

# --- Celery is the bell: rows hold the work, a lost message costs one sweep. See docs/architecture.md.
# The default exchange ("") routes by queue name alone; a named one keeps its bindings in Redis, where a FLUSHALL
# would drop them and every later bell would vanish without an error.
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_QUEUES = [Queue(name, Exchange(""), routing_key=name) for name in ("submissions", "callbacks", "sweeps")]
CELERY_TASK_DEFAULT_QUEUE = "submissions"
CELERY_TASK_DEFAULT_EXCHANGE = ""
CELERY_TASK_ROUTES = {
    "ingest.submit": {"queue": "submissions", "routing_key": "submissions"},
    "ingest.process": {"queue": "callbacks", "routing_key": "callbacks"},
    "ingest.sweep": {"queue": "sweeps", "routing_key": "sweeps"},
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
}

LOGGING = configuration(env.str("LOG_LEVEL", default="INFO"))
LOGGING_CONFIG = "logging.config.dictConfig"
