"""Every setting of the core, with its default. Read when used, never cached."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

__all__ = ["conf"]


class CoreSettings:
    """The settings of `mongo_contrib` itself; each app has a `conf.py` of its own."""

    @property
    def command_log_length(self) -> int:
        """How many characters of a command the logger `mongo_contrib.commands` shows."""
        return getattr(settings, "MONGO_COMMAND_LOG_LENGTH", 2000)

    @property
    def sequence_collection(self) -> str:
        """The collection with the counters of all SequenceFields."""
        return getattr(settings, "MONGO_SEQUENCE_COLLECTION", "mongo_contrib_sequences")

    @property
    def trusted_proxies(self) -> int:
        """How many reverse proxies stand before the site, each adding to X-Forwarded-For."""
        value = getattr(settings, "MONGO_TRUSTED_PROXIES", 0)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 100:
            raise ImproperlyConfigured(
                f"MONGO_TRUSTED_PROXIES is {value!r}; it must be the number of reverse proxies "
                "that stand before the site, from 0 to 100."
            )
        return value


conf = CoreSettings()
