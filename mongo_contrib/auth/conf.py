"""Every setting of the auth app, with its default. Read when used, never cached."""

from django.conf import settings

__all__ = ["conf"]


class AuthSettings:
    """The settings of `mongo_contrib.auth`."""

    @property
    def case_sensitive_usernames(self) -> bool:
        """Whether "Alice" and "alice" are two users; by default they are one."""
        return getattr(settings, "MONGO_AUTH_CASE_SENSITIVE_USERNAMES", False)


conf = AuthSettings()
