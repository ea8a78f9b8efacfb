"""The configuration of a NetBox of the lab. What differs between instances is in the environment."""

import os

ALLOWED_HOSTS = ["*"]
# Nothing of the lab outlives it, and nobody else reaches it: these protect nothing.
SECRET_KEY = "a key of the lab alone, which keeps nothing secret from anybody"
API_TOKEN_PEPPERS = {1: "a pepper of the lab alone, which keeps nothing secret from anybody"}
DATABASES = {
    "default": {
        "NAME": os.environ["LAB_DATABASE"],
        "USER": "netbox",
        "PASSWORD": "",
        "HOST": os.environ["LAB_DATABASE_HOST"],
        "PORT": "",
        "CONN_MAX_AGE": 300,
    }
}
REDIS = {
    "tasks": {"URL": os.environ["LAB_TASKS_URL"], "DATABASE": 0},
    "caching": {"URL": os.environ["LAB_CACHING_URL"], "DATABASE": 0},
}
PLUGINS = [name for name in os.environ.get("LAB_PLUGINS", "").split(",") if name]
ISOLATED_DEPLOYMENT = True
RELEASE_CHECK_URL = None
CENSUS_REPORTING_ENABLED = False
TIME_ZONE = os.environ.get("LAB_TIME_ZONE", "UTC")
EXEMPT_VIEW_PERMISSIONS = []
MEDIA_ROOT = os.path.join(os.environ["NETBOX_ROOT"], "media")
DEVELOPER = os.environ.get("LAB_DEVELOPER") == "1"
