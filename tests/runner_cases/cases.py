"""Not collected by pytest: each class is a promise to people who use Django's test runner."""

import re

from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection, transaction
from django.test import SimpleTestCase, TestCase, TransactionTestCase
from django.test.testcases import DatabaseOperationForbidden

from mongo_contrib.test import MongoTestMixin
from tests.testapp.models import Author


class Isolated:
    """The same test twice: neither may see the other's document."""

    def look_and_write(self):
        self.assertEqual(Author.objects.count(), 0)
        Author.objects.create(name="Ada", email="ada@example.com")

    test_first = test_second = look_and_write


class IsolatedTestCase(Isolated, TestCase):
    pass


class IsolatedTransactionTestCase(Isolated, TransactionTestCase):
    pass


class TestDataTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.author = Author.objects.create(name="Ada", email="ada@example.com")

    def test_data_is_there(self):
        self.assertEqual(Author.objects.get().pk, self.author.pk)
        Author.objects.all().delete()

    def test_data_is_there_again(self):
        self.assertEqual(Author.objects.get().name, "Ada")

    def test_a_refused_write_does_not_end_the_test(self):
        with self.assertRaises(IntegrityError):
            Author.objects.create(name="Another", email="ada@example.com")
        self.assertEqual(Author.objects.count(), 1)

    def test_atomic_rolls_back(self):
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            Author.objects.create(name="Bob", email="bob@example.com")
            raise ZeroDivisionError
        expected = 1 if connection.features.has("transactions") else 2
        self.assertEqual(Author.objects.count(), expected)

    def test_hooks_of_commits_run(self):
        ran = []
        with transaction.atomic():
            transaction.on_commit(lambda: ran.append(True))
            self.assertEqual(ran, [])
        self.assertEqual(ran, [True])


class NamesTests(TestCase):
    def test_the_database_is_one_for_tests(self):
        # In parallel, each worker has its own.
        self.assertTrue(re.fullmatch(r"test_.+", connection.database.name))
        self.assertTrue(connection.creation.is_test_database)

    def test_its_indexes_are_there(self):
        self.assertIn("email_1", connection.database["testapp_author"].index_information())


class SerializedTests(TransactionTestCase):
    serialized_rollback = True

    def test_documents_from_before_the_tests_come_back(self):
        Author.objects.create(name="Ada", email="ada@example.com")


class CommandTests(MongoTestMixin, TestCase):
    def test_commands_are_counted(self):
        with self.assertNumCommands(1) as commands:
            Author.objects.create(name="Ada", email="ada@example.com")
        self.assertEqual(commands.names, ["insert"])
        self.assertNumCommands(1, Author.objects.count)
        with self.assertRaisesRegex(AssertionError, "1 commands executed, 0 expected"):
            self.assertNumCommands(0, Author.objects.count)


class NoDatabaseTests(SimpleTestCase):
    def test_the_database_is_forbidden(self):
        with self.assertRaises((DatabaseOperationForbidden, ImproperlyConfigured)):
            Author.objects.count()
