"""Documents of the tests, a module for each subject."""

from .books import *  # noqa: F403
from .guarded import *  # noqa: F403
from .kinds import *  # noqa: F403
from .loose import *  # noqa: F403
from .operations import *  # noqa: F403
from .payments import *  # noqa: F403
from .references import *  # noqa: F403
from .relatives import *  # noqa: F403
