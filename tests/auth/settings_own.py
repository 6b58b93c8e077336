"""A project with a user class of its own: OWN_USER names it."""

import os

from tests.settings import *  # noqa: F403

AUTH_USER_MODEL = os.environ["OWN_USER"]
