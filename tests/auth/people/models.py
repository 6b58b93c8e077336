"""A user class of one's own: an e-mail address is the name, and there are more fields."""

from django.db import models

from mongo_contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from mongo_contrib.auth.models import AbstractUser, PermissionsMixin
from mongo_contrib.documents import Document, EmbeddedDocument, EmbeddedDocumentListField


class PersonManager(BaseUserManager):
    def create_user(self, email, password=None, **fields):
        person = self.model(email=self.normalize_email(email), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(self, email, password=None, **fields):
        return self.create_user(email, password, is_superuser=True, **fields)


class Person(AbstractBaseUser, PermissionsMixin):
    email = models.EmailField(unique=True)
    born = models.DateField()
    is_staff = models.BooleanField(default=False)

    objects = PersonManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ("born",)


class Employee(AbstractUser):
    """Derived from AbstractUser alone, with nothing said about managers."""

    office = models.CharField(max_length=50, blank=True)


class Medal(EmbeddedDocument):
    name = models.CharField(max_length=50)


class Deed(Document):
    """Belongs to a user, and has permissions of its own."""

    owner = models.ForeignKey("people.Employee", models.CASCADE, null=True)
    medals = EmbeddedDocumentListField(Medal)

    class Meta:
        permissions = [("praise_deed", "Can praise deed")]


class Rights(models.Model):
    """A class without a table, there for its permissions, as Django projects have it."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [("open_the_safe", "Can open the safe")]
