import os
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand
from django.db.models.signals import post_migrate, pre_migrate

pytestmark = pytest.mark.usefixtures("as_declared")

AUTHOR = "testapp_author"

# MONGO_KILLS=1: all of them.
MOMENTS = range(6) if os.environ.get("MONGO_KILLS") else (1, 3, 4)


def migrate(*args, **options):
    out = StringIO()
    call_command("migrate", *args, stdout=out, stderr=out, **options)
    return out.getvalue()


@pytest.fixture
def missing(database):
    """One collection is not there, of another an index is not."""
    database.drop_collection(AUTHOR)
    database["testapp_publisher"].drop_index("name_1")
    database["testapp_publisher"].insert_one({"name": "Ace"})


def test_what_is_missing_is_created_with_progress(missing, database):
    out = migrate()
    assert (
        f"  Create collection {AUTHOR} (testapp.Author) with indexes name_1, email_1... OK\n"
        in out
    )
    created = "Create unique index name_1 (name) on testapp_publisher (testapp.Publisher)"
    assert f"  {created}... OK\n" in out
    assert database[AUTHOR].index_information()["email_1"]["unique"] is True
    assert database["testapp_publisher"].count_documents({}) == 1
    assert "  No operations to apply.\n" in migrate()


def test_verbosity_0_is_silent(missing, database):
    assert migrate(verbosity=0) == ""
    assert AUTHOR in database.list_collection_names()


def test_plan_shows_and_changes_nothing(missing, database):
    out = migrate(plan=True)
    assert out.startswith("Planned operations:\n  Create ")
    assert "\n  Create collection testapp_author (" in out
    assert AUTHOR not in database.list_collection_names()
    with pytest.raises(SystemExit) as caught:
        migrate(plan=True, check_unapplied=True)
    assert caught.value.code == 1


def test_check_fails_until_all_is_as_declared(missing, database):
    with pytest.raises(SystemExit) as caught:
        migrate(check_unapplied=True)
    assert caught.value.code == 1
    assert AUTHOR not in database.list_collection_names()
    migrate()
    assert "No planned operations: everything is as declared." in migrate(check_unapplied=True)


def test_check_passes_with_a_note_on_what_nobody_declares(database):
    database["of_somebody_else"].insert_one({})
    database[AUTHOR].create_index("age")
    out = migrate(check_unapplied=True)
    assert "Note: Nothing declares 1 collection(s): of_somebody_else\n" in out
    assert f"Note: Collection {AUTHOR} (testapp.Author) has 1 index(es) that nothing" in out
    assert migrate(check_unapplied=True, verbosity=0) == ""
    assert "Note" not in migrate()
    assert "Note" in migrate(verbosity=2)
    assert database["of_somebody_else"].count_documents({}) == 1
    assert "age_1" in database[AUTHOR].index_information()


def test_check_shows_what_goes_and_what_comes(database):
    database[AUTHOR].drop_index("email_1")
    database[AUTHOR].create_index("email", name="email_1")
    with pytest.raises(SystemExit) as caught, StringIO() as out:
        try:
            call_command("migrate", check_unapplied=True, stdout=out, stderr=out)
        finally:
            shown = out.getvalue()
    assert caught.value.code == 1
    assert (
        f"  Replace index email_1 on {AUTHOR} (testapp.Author) (partialFilterExpression: none -> "
        "{'email': {'$exists': True}}, unique: none -> yes)\n"
        '      - index email_1 {"email": 1}\n'
        '      + index email_1 {"email": 1}, unique, partialFilterExpression: '
        '{"email": {"$exists": true}}\n'
    ) in shown
    migrate()
    assert "as declared" in migrate(check_unapplied=True)


@pytest.fixture
def left_over(database):
    """What nothing declares."""
    database[AUTHOR].create_index("age", name="experiment")
    database.create_collection("left_empty")
    database["left_full"].insert_one({})


def is_left(database):
    return (
        "experiment" in database[AUTHOR].index_information(),
        "left_empty" in database.list_collection_names(),
        "left_full" in database.list_collection_names(),
    )


@pytest.mark.parametrize(("answer", "left"), [("yes", False), ("no", True), ("", True)])
def test_prune_asks(left_over, database, monkeypatch, answer, left):
    asked = []
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or answer)
    out = StringIO()
    try:
        call_command("migrate", prune=True, stdout=out)
    except CommandError as exc:
        assert "Nothing was dropped" in str(exc) and left
    assert asked == ["Drop them? Type 'yes' to continue: "]
    assert "Drop index experiment of" in out.getvalue()
    assert '      - index experiment {"age": 1}\n' in out.getvalue()
    assert is_left(database) == (left, left, True)


def test_prune_without_input_drops(left_over, database):
    migrate(prune=True, interactive=False)
    assert is_left(database) == (False, False, True)
    assert "No operations to apply" in migrate(prune=True)


def test_prune_of_one_app_leaves_other_collections(left_over, database):
    migrate("testapp", prune=True, interactive=False)
    assert is_left(database) == (False, True, True)


def test_prune_shows_and_drops_nothing_with_plan(left_over, database):
    assert "Drop collection left_empty" in migrate(prune=True, plan=True)
    with pytest.raises(SystemExit):
        migrate(prune=True, check_unapplied=True)
    assert is_left(database) == (True, True, True)


@pytest.mark.needs("validators")
def test_documents_that_a_validator_would_refuse_are_told(database):
    things = database["guarded_things"]
    database.drop_collection("guarded_things")
    things.insert_many([{"name": n} for n in (1, 2)])
    out = StringIO()
    with pytest.raises(CommandError, match="operations failed"):
        call_command("migrate", stdout=out, stderr=out)
    assert "(comparing 2 document(s) with the validator) FAILED" in out.getvalue()
    assert "it would refuse 2 document(s)" in out.getvalue()
    assert (
        "(sold: is missing; name: is int (1), should be string), _id ObjectId(" in out.getvalue()
    )
    things.delete_many({})
    assert "... (comparing 0 document(s) with the validator) OK" in migrate()


def kill_in_the_middle(process, began, seconds=20):
    """End a process without a word as soon as `began()`."""
    until = time.monotonic() + seconds
    while not began() and process.poll() is None and time.monotonic() < until:
        pass
    process.kill()
    process.communicate()


@pytest.mark.parametrize("moment", MOMENTS)
def test_migrate_completes_after_it_was_killed(alone, database, moment):
    """Killed at a different point each time; what was protected is protected throughout."""
    authors = database[AUTHOR]
    authors.drop_indexes()
    authors.create_index("nickname", name="email_1", unique=True)
    authors.create_index("name", name="name_1", sparse=True)
    database.drop_collection("tickets")
    database["testapp_publisher"].drop_indexes()
    before = set(authors.index_information())
    process = alone().start("migrate")
    kill_in_the_middle(
        process,
        [
            lambda: False,
            lambda: "tickets" in database.list_collection_names(),
            lambda: set(authors.index_information()) != before,
            lambda: "email_1_by_migrate" in authors.index_information(),
            lambda: "email_1" not in authors.index_information(),
            lambda: "name_1" in database["testapp_publisher"].index_information(),
        ][moment],
        seconds=20 if moment else 0.2,
    )
    # Never without one of the two that refuse duplicates.
    assert any(index.get("unique") for index in authors.index_information().values())
    alone()("migrate")
    assert "as declared" in migrate(check_unapplied=True)
    assert len(authors.index_information()) == 3


def test_one_app_alone(missing, database):
    out = migrate("testapp", check_unapplied=False)
    assert AUTHOR in out
    assert "of_somebody_else" not in out
    assert AUTHOR in database.list_collection_names()


@pytest.mark.parametrize(
    ("args", "options", "message"),
    [
        (["nonsense"], {}, "No installed app with label 'nonsense'"),
        (["contenttypes"], {}, "App 'contenttypes' declares no collections on 'default'"),
        (["testapp", "0001"], {}, "a migration name ('0001') has no meaning for DATABASES"),
        (["testapp", "zero"], {}, "a migration name ('zero') has no meaning for DATABASES"),
        ([], {"fake": True}, "--fake has no meaning for DATABASES['default'], which is MongoDB"),
    ],
)
def test_arguments_without_a_meaning_are_refused(args, options, message):
    with pytest.raises(CommandError) as caught:
        migrate(*args, **options)
    assert message in str(caught.value)


def test_scripts_that_give_harmless_arguments_go_on(missing):
    assert "... OK" in migrate(fake_initial=True, run_syncdb=True, interactive=False)


def test_apps_are_told_before_and_after(missing, database):
    told = []

    def receive(sender, signal, using, verbosity, plan, apps, stdout, **kwargs):
        told.append((sender.label, signal, AUTHOR in database.list_collection_names()))

    for signal in (pre_migrate, post_migrate):
        signal.connect(receive)
    try:
        migrate()
    finally:
        for signal in (pre_migrate, post_migrate):
            signal.disconnect(receive)
    assert ("testapp", pre_migrate, False) in told
    assert ("testapp", post_migrate, True) in told


def test_duplicates_are_told_and_the_other_steps_go_on(database):
    database.drop_collection("tickets")
    database[AUTHOR].drop_index("name_1")
    database["testapp_publisher"].drop_index("name_1")
    database["testapp_publisher"].insert_many([{"_id": n, "name": "Ace"} for n in (1, 2, 3)])
    out = StringIO()
    with pytest.raises(CommandError, match="1 of 3 operations failed, see above"):
        call_command("migrate", stdout=out, stderr=out)
    assert (
        "Create unique index name_1 (name) on testapp_publisher (testapp.Publisher)... FAILED\n"
        "    Unique index 'name_1' of collection 'testapp_publisher' cannot be built, because "
        "there are duplicates: name='Ace' in 3 documents (_id 1, 3, ...). Change or delete them "
        "and run migrate again.\n"
    ) in out.getvalue()
    assert database["testapp_publisher"].count_documents({}) == 3
    assert "name_1" in database[AUTHOR].index_information()
    assert "tickets" in database.list_collection_names()
    database["testapp_publisher"].delete_many({"_id": {"$gt": 1}})
    assert "... OK" in migrate()


def test_two_processes_at_once(alone, missing, connection, database):
    processes = [alone().start("migrate") for _ in range(2)]
    for process in processes:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
    assert set(database[AUTHOR].index_information()) == {"_id_", "name_1", "email_1"}
    assert "No planned operations" in migrate(plan=True)


def test_a_server_that_is_not_there_is_one_sentence(alone):
    nowhere = alone(MONGODB_URI="mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200")
    output = nowhere("migrate", code=1)
    assert "CommandError: " in output
    assert "Traceback" not in output


def test_an_embedded_server_that_is_not_there_is_told_in_a_sentence(alone, tmp_path):
    project = alone(MONGODB_URI=f"embedded:{tmp_path}", MONGO_EMBEDDED_SERVER="sqlite")
    output = project("migrate", code=1)
    assert output.startswith("CommandError: ")
    assert "mongod, rust, python" in output
    assert "Traceback" not in output


def test_nobody_is_told_of_unapplied_migrations(connection):
    """Private API: runserver and createsuperuser look for migrations of all SQL apps."""
    out = StringIO()
    BaseCommand(stdout=out).check_migrations()
    assert out.getvalue() == ""


def test_showmigrations_shows_the_plan(missing):
    out = StringIO()
    call_command("showmigrations", stdout=out)
    assert f"Create collection {AUTHOR}" in out.getvalue()
    out = StringIO()
    call_command("showmigrations", "testapp", stdout=out)
    assert f"Create collection {AUTHOR}" in out.getvalue()


@pytest.mark.parametrize(
    ("args", "cure"),
    [
        (["inspectdb"], "use inspectmongo"),
        (["sqlmigrate", "auth", "0001"], "`migrate --plan` shows"),
    ],
)
def test_commands_about_sql_say_so(args, cure):
    with pytest.raises(CommandError, match="is for SQL, and DATABASES") as caught:
        call_command(*args)
    assert cure in str(caught.value)
