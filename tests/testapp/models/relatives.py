"""Documents of several classes in one collection."""

from __future__ import annotations

from django.db import models

from mongo_contrib.documents import Document, DocumentManager, DocumentQuerySet


class Keeper(Document):
    name = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.name


class AnimalQuerySet(DocumentQuerySet):
    def old(self):
        return self.filter(age__gte=10)


class Animal(Document):
    """The oldest of its family."""

    name = models.CharField(max_length=50)
    age = models.IntegerField(default=0)
    tag = models.CharField(max_length=20, null=True, blank=True, unique=True)
    born = models.DateField(null=True, blank=True)
    keeper = models.ForeignKey(
        Keeper, on_delete=models.CASCADE, null=True, blank=True, related_name="animals"
    )
    mother = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="young"
    )

    objects = DocumentManager.from_queryset(AnimalQuerySet)()

    class Meta:
        db_table = "animals"
        allow_inheritance = True
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Trained(Document):
    """Something that some animals are, in whichever branch."""

    tricks = models.IntegerField(default=0)

    class Meta:
        abstract = True

    def can(self) -> bool:
        return self.tricks > 0


class Dog(Trained, Animal):
    breed = models.CharField(max_length=50, blank=True)
    licence = models.CharField(max_length=20, null=True, blank=True, unique=True)

    class Meta:
        indexes = [models.Index(fields=["breed"])]


class Puppy(Dog):
    toys = models.IntegerField(default=0)


class Feline(Animal):
    """Abstract, between two that are stored."""

    lives = models.IntegerField(default=9)

    class Meta:
        abstract = True


class Cat(Feline):
    licence = models.CharField(max_length=20, null=True, blank=True)
    rival = models.ForeignKey(
        Dog, on_delete=models.SET_NULL, null=True, blank=True, related_name="rivals"
    )

    class Meta:
        class_name = ["Animal.Cat", "Animal.Kitty"]


class Pet(Animal):
    """A proxy of the base."""

    class Meta:
        proxy = True

    def call(self) -> str:
        return f"Here, {self.name}!"


class Visit(Document):
    animal = models.ForeignKey(Animal, on_delete=models.CASCADE, related_name="visits")
    note = models.CharField(max_length=50, blank=True)


class Walk(Document):
    dog = models.ForeignKey(Dog, on_delete=models.CASCADE, related_name="walks")
