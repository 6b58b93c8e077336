"""Documents of the tests, a module for each subject."""

from .books import *  # noqa: F403
