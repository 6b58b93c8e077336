"""What a database should hold, what it holds, and the steps from the one to the other.

Apps declare collections and indexes (``declared``), ``plan`` compares them with the server and
returns steps, and ``migrate`` or a test database applies these. Planning only reads. Applying is
idempotent, so two processes may do it at once. Nothing that is not declared is dropped unless
``prune`` asks for it: an index, a validator or a collection that nobody declares is reported as a
note.
"""

from mongo_contrib.db.schema.planning import declared, differences, plan
from mongo_contrib.db.schema.specs import CollectionSpec, IndexSpec, SearchIndexSpec
from mongo_contrib.db.schema.steps import Kind, Step

__all__ = [
    "CollectionSpec",
    "IndexSpec",
    "Kind",
    "SearchIndexSpec",
    "Step",
    "declared",
    "differences",
    "plan",
]
