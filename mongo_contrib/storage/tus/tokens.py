"""What names an upload to its client: signed, since an ObjectId can be guessed."""

from typing import TYPE_CHECKING

from bson import ObjectId
from django.core.signing import BadSignature, Signer

from ..exceptions import UploadNotFound

if TYPE_CHECKING:
    from ..backend import GridFSStorage

__all__ = ["id_of", "token_of"]


def token_of(storage: "GridFSStorage", id: ObjectId) -> str:
    """The name of an upload in its URL and in forms, which nobody can make who has no key."""
    return str(_signer(storage).sign(str(id)))


def id_of(storage: "GridFSStorage", token: str) -> ObjectId:
    """The upload that a token names; UploadNotFound for any that is not of this bucket's."""
    try:
        return ObjectId(_signer(storage).unsign(token))
    except BadSignature:
        raise UploadNotFound("There is no such upload.") from None


def _signer(storage: "GridFSStorage") -> Signer:
    return Signer(salt=f"mongo_contrib.storage.tus:{storage.alias}:{storage.bucket}")
