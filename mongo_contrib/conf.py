"""Every setting of the core, with its default. Read when used, never cached."""

from django.conf import settings

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


conf = CoreSettings()
