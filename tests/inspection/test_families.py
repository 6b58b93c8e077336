from mongo_contrib.inspection.classes import Builder
from mongo_contrib.inspection.families import observe
from mongo_contrib.inspection.indexes import describe_indexes


def classes(*documents, name="Animal"):
    """Name, base, fields and Meta of each class that describes these documents."""
    return Builder({}, {}, {name}).documents(name, observe(documents))


def told(made):
    return [(each.name, each.base, [f.name for f in each.fields], each.meta) for each in made]


def test_without_cls_it_is_one_class():
    assert told(classes({"a": 1}, {"b": 1})) == [("Animal", "Document", ["a", "b"], {})]


def test_mongoengines_names_tell_the_parents():
    made = classes(
        {"_cls": "Animal", "name": "x"},
        {"_cls": "Animal.Dog", "name": "x", "breed": "y"},
        {"_cls": "Animal.Dog.Puppy", "name": "x", "breed": "y", "weeks": 3},
        {"_cls": "Animal.Cat", "name": "x", "lives": 9},
    )
    assert told(made) == [
        ("Animal", "Document", ["name"], {"allow_inheritance": "True"}),
        ("Cat", "Animal", ["lives"], {}),
        ("Dog", "Animal", ["breed"], {}),
        ("Puppy", "Dog", ["weeks"], {}),
    ]


def test_names_of_other_kinds_are_said():
    made = classes({"_cls": "dog", "name": "x", "breed": "y"}, {"_cls": "cat", "name": "x"})
    assert told(made) == [
        ("Animal", "Document", ["name"], {"allow_inheritance": "True"}),
        ("Cat", "Animal", [], {"class_name": '"cat"'}),
        ("Dog", "Animal", ["breed"], {"class_name": '"dog"'}),
    ]


def test_what_the_oldest_has_is_inherited_though_others_lack_it():
    made = classes({"name": "x", "seldom": 1}, {"_cls": "Animal.Dog", "name": "x", "breed": 1})
    assert [each.name for each in made[0].fields] == ["name", "seldom"]
    assert made[0].fields[1].options["null"] == "True"


def test_an_index_is_declared_by_the_first_class_that_has_its_fields():
    made = classes({"_cls": "Animal", "a": 1}, {"_cls": "Animal.Dog", "a": 1, "b": 1})
    documents = [
        {"name": "_cls_1", "key": {"_cls": 1}},
        {"name": "x", "key": {"_cls": 1, "a": 1}},
        {"name": "y", "key": {"a": 1, "b": -1}},
        {"name": "z", "key": {"c": 1}},
    ]
    describe_indexes(made, documents)
    animal, dog = made
    assert animal.indexes == [
        'models.Index(fields=["_cls", "a"], name="x")',
        'models.Index(fields=["c"], name="z")',
    ]
    assert dog.indexes == ['models.Index(fields=["a", "-b"], name="y")']
    assert [each.name for each in animal.fields] == ["a", "c"]


def test_one_class_with_a_name_of_its_own_may_get_others():
    assert told(classes({"_cls": "Animal", "n": 1})) == [
        ("Animal", "Document", ["n"], {"allow_inheritance": "True"})
    ]
