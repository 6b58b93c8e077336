"""Django's session middleware, and what it could not do for sessions that know their visitor."""

import logging
from typing import Any

from django.conf import settings
from django.contrib.sessions import middleware
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.db import OperationalError
from django.utils.cache import add_never_cache_headers

from mongo_contrib.bridge import native

from . import devices, error_pages
from .backends.mongo import SessionStore
from .conf import ERROR, conf
from .exceptions import SessionLimitReached, SessionUnavailable
from .signals import new_device, send
from .visitors import Visitor

__all__ = ["SessionMiddleware"]

logger = logging.getLogger("mongo_contrib.sessions")


class SessionMiddleware(middleware.SessionMiddleware):
    """In the place of Django's, whose work it leaves to that.

    Beyond it: the session is told who visits; a user who uses it is noted as seen; a log-in from a
    new device is signalled; a log-in that is one too many gets a page with status 403; and while
    the sessions' server is away, pages that need it have status 503. Under ASGI no thread is used.

    With an engine of others it does what Django's does.
    """

    #: After how many seconds a page with status 503 asks to be tried again.
    retry_after = 30

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self.is_ours = issubclass(self.SessionStore, SessionStore)

    async def __acall__(self, request: Any) -> Any:
        """Handle a request on the event loop's thread."""
        if not self.is_ours:
            return await super().__acall__(request)
        response = await native(self.process_request, request)
        response = response or await self.get_response(request)
        return await native(self.process_response, request, response)

    def process_request(self, request: Any) -> Any:
        """Give the request its session; nothing is read yet."""
        super().process_request(request)
        if self.is_ours:
            request.session.visitor = Visitor(request)

    def process_exception(self, request: Any, exception: Exception) -> Any:
        """The page for an error of the session in a view; None leaves another error to others."""
        session = self._session_of(request)
        if session is None:
            return None
        if isinstance(exception, SessionLimitReached):
            return error_pages.refused()
        if isinstance(exception, SessionUnavailable) and not settings.DEBUG:
            return self._unavailable(exception)
        if isinstance(exception, UpdateError):
            # What Django makes of one that is raised after the view: a page with status 400.
            raise SessionInterrupted(str(exception)) from exception
        return None

    def process_response(self, request: Any, response: Any) -> Any:
        """Save the session if need be, and note who has used it."""
        session = self._session_of(request)
        if session is None:
            return super().process_response(request, response)
        if session.unreachable and not session.modified:
            return self._without_session(response)
        user_id = session.logged_in  # in a save of the view's own
        try:
            response = super().process_response(request, response)
        except SessionInterrupted as exc:
            if not isinstance(exc.__context__, SessionLimitReached):
                raise
            return self._refused(request)
        except SessionUnavailable as exc:
            if settings.DEBUG:
                raise
            return self._unavailable(exc)
        self._note(request, response, session, session.logged_in or user_id)
        return response

    def _session_of(self, request: Any) -> SessionStore | None:
        session = getattr(request, "session", None)
        return session if isinstance(session, SessionStore) else None

    # Without a server

    def _without_session(self, response: Any) -> Any:
        """The response to a request whose session could not be read, and is not to be written.

        Its cookie stays: the session is not over.
        """
        # What reading it raised outside of the view was made a page by Django before it came here.
        raised = conf.when_unreachable == ERROR
        if raised and response.status_code == 500 and not settings.DEBUG:
            return error_pages.unavailable(self.retry_after)
        # What nobody in particular may see must not be shown to this visitor later on.
        add_never_cache_headers(response)
        return response

    def _unavailable(self, error: Exception) -> Any:
        logger.warning("A session could not be read or written: %s", error)
        return error_pages.unavailable(self.retry_after)

    # With one

    def _refused(self, request: Any) -> Any:
        """The response to a log-in that is one too many: whoever it was stays anonymous."""
        # What the refused log-in has put into the session is the user's; what is stored is not.
        request.session = self.SessionStore(request.session.session_key)
        if request.session.keys():
            request.session.modified = True  # the browser has to be told the new key
        else:
            request.session.flush()
        return super().process_response(request, error_pages.refused())

    def _note(
        self, request: Any, response: Any, session: SessionStore, logged_in: str | None
    ) -> None:
        """Write down a log-in's device, or that the user was seen."""
        try:
            if logged_in and logged_in == session.user_id and "device" in conf.record:
                self._note_device(request, response, session, logged_in)
            else:
                session.touch()  # nothing, if nobody has looked at it
        except OperationalError as exc:
            # The session is safe; for this alone nobody shall lose a page.
            logger.warning("A visit could not be noted: %s", exc)

    def _note_device(
        self, request: Any, response: Any, session: SessionStore, user_id: str
    ) -> None:
        device_id = devices.device_id_of(request)
        recorded = Visitor(request).recorded()
        name = recorded.get("device")
        stored_id = devices.remember(user_id, device_id, name)
        devices.set_cookie(response, device_id)
        if stored_id is not None and new_device.has_listeners(type(session)):
            send(
                new_device,
                sender=type(session),
                request=request,
                user_id=user_id,
                session_id=session.session_id,
                device=name,
                address=recorded.get("address"),
                first=not devices.has_others(user_id, stored_id),
            )
