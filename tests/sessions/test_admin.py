"""The sessions in the admin: ours, and the stock site beside it."""

import re
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from bson import ObjectId
from django.contrib import admin
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import Client

from mongo_contrib.auth.models import User
from mongo_contrib.sessions.admin import BoundedPaginator, SessionAdmin
from mongo_contrib.sessions.backends.mongo import SessionStore
from mongo_contrib.sessions.models import Session
from mongo_contrib.test import CaptureCommands

pytestmark = pytest.mark.urls("tests.sessions.urls")

NOW = datetime.now(UTC).replace(microsecond=0)
SECRET = "what the session holds"
LIST = "/admin/mongo_sessions/session/"


@pytest.fixture(params=["admin", "stock"])
def url(request):
    """The list in each site."""
    return f"/{request.param}/mongo_sessions/session/"


@pytest.fixture
def root(db):
    return User.objects.create_superuser("root")


@pytest.fixture
def client(root):
    """A browser in which an administrator is logged in."""
    client = Client()
    client.force_login(root)
    return client


@pytest.fixture
def logged_in(db, sessions):
    """`logged_in(name, minutes)` is a session of a user, last used so long ago."""

    def logged_in(name="ann", minutes=0, **about):
        user = User.objects.filter(username=name).first() or User.objects.create_user(name)
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session["cart"] = SECRET
        session.save()
        update = {"seen": NOW - timedelta(minutes=minutes + 1), **about}
        sessions.update_one({"_id": session.session_id}, {"$set": update})
        return session

    return logged_in


def current(client):
    return SessionStore(client.cookies["sessionid"].value)


def listed(client, url=LIST, **query):
    response = client.get(url, query)
    assert response.status_code == 200, response.get("Location")
    return [session.pk for session in response.context["cl"].result_list]


def ids(*sessions):
    return [session.session_id for session in sessions]


def is_over(session):
    return not SessionStore(session.session_key).load()


def act(client, url, action, *sessions, **data):
    chosen = {"action": action, "_selected_action": ids(*sessions)}
    return client.post(url, {**chosen, **data})


def test_it_is_registered_by_being_installed():
    assert admin.site.is_registered(Session)
    assert checks.run_checks(app_configs=None, tags=["admin"]) == []


def test_the_list(client, url, logged_in):
    old = logged_in("ann", 60, device="Firefox on <b>", address="203.0.113.7")
    new = logged_in("bob", 1, user_agent="curl/8.5")
    assert listed(client, url) == ids(current(client), new, old)
    text = client.get(url).text
    for shown in ("ann", "bob", "root", "Firefox on &lt;b&gt;", "203.0.113.7", "curl/8.5"):
        assert shown in text
    assert text.count("(this session)") == 1
    assert SECRET not in text and "cart" not in text


def test_each_session_has_a_page_to_look_at(client, url, logged_in):
    session = logged_in(device="Firefox on Ubuntu")
    response = client.get(f"{url}{session.session_id}/change/")
    assert response.status_code == 200
    assert "Firefox on Ubuntu" in response.text and ">ann<" in response.text
    assert SECRET not in response.text and "cart" not in response.text
    assert 'name="_save"' not in response.text


def test_a_page_of_100_costs_what_a_page_of_3_does(client, logged_in, sessions):
    logged_in("ann"), logged_in("bob")

    def names():
        with CaptureCommands() as captured:
            assert client.get(LIST).status_code == 200
        return captured.names

    few = names()
    # This session and its user; a count, the page, its users.
    assert few == ["find", "find", "aggregate", "find", "find"]
    users = User.objects.bulk_create([User(username=f"user{n}") for n in range(98)])
    sessions.insert_many(
        {
            "_id": f"{n:064x}",
            "user": str(user.pk),
            "data": {},
            "seen": NOW,
            "created": NOW,
            "expire_date": NOW + timedelta(days=1),
        }
        for n, user in enumerate(users)
    )
    assert names() == few
    assert len(listed(client)) == 100


def listing(commands):
    """The command that found the page."""
    (find,) = [
        command.command
        for command in commands
        if command.name == "find" and "sort" in command.command and "to" in str(command.command)
    ]
    return find


def test_the_list_is_read_through_an_index(client, logged_in, plan_of, capture_commands):
    logged_in()
    client.get(LIST)
    find = listing(capture_commands)
    assert find["maxTimeMS"] > 0
    plan = plan_of(find["filter"], list(find["sort"].items()))
    assert "IXSCAN" in plan and "'SORT'" not in plan


@pytest.fixture
def crowd(db, sessions):
    """So many sessions of others that it matters which index is used."""
    sessions.insert_many(
        {
            "_id": f"{n:064x}",
            "user": f"other{n}",
            "data": {},
            "seen": NOW,
            "expire_date": NOW + timedelta(days=1),
        }
        for n in range(1_000)
    )


def test_what_begins_no_address_is_searched_among_users(
    client, logged_in, crowd, plan_of, capture_commands
):
    for term in ("ann", "admin", "deadbeef", "12345", "a.b", "x:1", "-1"):
        logged_in(f"n{term}".replace(":", ""))
        logged_in(term)
        before = len(capture_commands)
        client.get(LIST, {"q": term})
        find = listing(list(capture_commands)[before:])
        assert "address" not in str(find["filter"]) and "$or" not in str(find["filter"]), term
        plan = plan_of(find["filter"], list(find["sort"].items()))
        assert "user_seen" in plan and "COLLSCAN" not in plan, term


def test_the_sessions_of_a_user_are_read_through_an_index(
    client, logged_in, crowd, plan_of, capture_commands
):
    session = logged_in()
    assert listed(client, user_id=session["_auth_user_id"]) == ids(session)
    find = listing(capture_commands)
    assert "user_seen" in plan_of(find["filter"], list(find["sort"].items()))


@pytest.mark.parametrize(
    ("address", "terms"),
    [
        ("203.0.113.7", ["2", "203", "203.", "203.0.113.7"]),
        ("203.0.113.0/24", ["203.0.113.0/24"]),
        ("2001:db8::51", ["2", "2001", "2001:", "2001:DB8::5", "2001:db8::51"]),
        ("fe80::1", ["f", "FE8", "fe80::1"]),
        ("::1", [":", "::1"]),
        ("2001:db8:1::/48", ["2001:db8:1::/48"]),
    ],
)
def test_addresses_by_their_beginning(client, logged_in, address, terms):
    session = logged_in("ann", address=address)
    for term in terms:
        assert listed(client, q=term) == ids(session), term


def test_visitors_only_if_they_are_asked_for(client, logged_in, sessions):
    session = logged_in()
    visitor = SessionStore()
    visitor.save()
    expired = logged_in(expire_date=NOW - timedelta(minutes=1))
    before = session.session_key
    session.cycle_key()
    assert sessions.exists({"_id": {"$regex": ":renamed$"}})
    assert session.session_key != before
    users = {*ids(session, current(client))}
    assert {*listed(client)} == users
    assert listed(client, logged_in="no") == ids(visitor)
    assert {*listed(client, logged_in="any")} == {*users, *ids(visitor)}
    assert not is_over(session) and is_over(expired)


def test_filters(client, logged_in):
    now, days, weeks = logged_in(minutes=1), logged_in(minutes=3_000), logged_in(minutes=50_000)
    mine = current(client)
    assert {*listed(client, seen="day")} == {*ids(now, mine)}
    assert {*listed(client, seen="week")} == {*ids(now, days, mine)}
    assert listed(client, seen="earlier") == ids(weeks)
    user = now["_auth_user_id"]
    assert {*listed(client, user_id=user)} == {*ids(now, days, weeks)}
    assert f"user_id={user}" in client.get(LIST).text


def test_search(client, logged_in):
    ann = logged_in("ann", address="203.0.113.7")
    bob = logged_in("bob", address="198.51.100.7")
    assert listed(client, q="nn") == ids(ann)
    assert listed(client, q=" BOB ") == ids(bob)
    assert listed(client, q="203.0.") == ids(ann)
    assert listed(client, q="113") == listed(client, q="203.0.1.*") == []
    assert listed(client, q=".") == listed(client, q="x" * 10_000) == []


def test_a_search_finds_so_many_users_at_most(client, logged_in, monkeypatch):
    for name in ("ann", "anna", "hannah"):
        logged_in(name)
    monkeypatch.setattr("mongo_contrib.sessions.admin.MOST_USERS", 2)
    assert len(listed(client, q="ann")) == 2


def test_pages_are_bounded(db, logged_in, monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "bound", 2)
    for minutes in range(3):
        logged_in(minutes=minutes)
    paginator = BoundedPaginator(Session.objects.order_by("-last_seen"), 1)
    assert (paginator.count, paginator.num_pages) == (2, 2)


def test_more_than_are_counted_are_told(client, logged_in, monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "bound", 3)
    told = "There are more than 3;"
    logged_in(), logged_in()
    assert told not in client.get(LIST).text  # with the own, just so many
    assert "3 results" in client.get(LIST).text
    logged_in()
    assert told in client.get(LIST).text
    assert "3 results" not in client.get(LIST).text


def test_users_who_are_gone(client, logged_in):
    session = logged_in()
    User.objects.get(username="ann").delete()
    user = session["_auth_user_id"]
    assert f"{user} (no longer there)" in client.get(LIST).text


def test_nothing_is_added_or_changed(client, logged_in):
    session = logged_in()
    assert client.get(f"{LIST}add/").status_code == 403
    page = f"{LIST}{session.session_id}/change/"
    assert client.post(page, {"device": "another", "address": "x"}).status_code == 403
    assert Session.objects.get(pk=session.session_id).device is None


def test_one_is_ended(client, url, logged_in):
    session, other = logged_in(device="Firefox on Ubuntu"), logged_in("bob")
    overlapping = SessionStore(session.session_key)
    overlapping["cart"] = "more"
    page = f"{url}{session.session_id}/delete/"
    response = client.get(page)
    assert "ann, Firefox on Ubuntu" in response.text and SECRET not in response.text
    assert "End this session" in response.text and "elete " not in response.text
    assert f'href="{url}"' in response.text
    assert client.post(page, {"post": "yes"}).status_code == 302
    assert is_over(session) and not is_over(other)
    with pytest.raises(UpdateError):
        overlapping.save()
    entry = LogEntry.objects.get()
    assert (entry.action_flag, entry.object_id) == (DELETION, session.session_id)
    assert entry.object_repr == "ann, Firefox on Ubuntu"


def test_who_keeps_saving_a_session_does_not_keep_it(client, logged_in, monkeypatch):
    session = logged_in()
    log_deletions = SessionAdmin.log_deletions

    def save():
        overlapping = SessionStore(session.session_key)
        overlapping["cart"] = "more"
        overlapping.save()

    def saving_meanwhile(*args):
        thread = Thread(target=save)
        thread.start()
        thread.join()
        return log_deletions(*args)

    monkeypatch.setattr(SessionAdmin, "log_deletions", saving_meanwhile)
    response = client.post(f"{LIST}{session.session_id}/delete/", {"post": "yes"})
    assert response.status_code == 302
    assert is_over(session)


def test_the_selected_are_ended(client, url, logged_in):
    one, two, third = logged_in("ann"), logged_in("bob"), logged_in("bob", 5)
    assert "End the selected sessions" in client.get(url).text
    response = act(client, url, "delete_selected", one, two)
    assert "End 2 sessions" in response.text and "ann" in response.text
    assert "Are you sure you want to delete" not in response.text
    assert not is_over(one)
    response = act(client, url, "delete_selected", one, two, post="yes")
    assert response.status_code == 302
    assert is_over(one) and is_over(two) and not is_over(third)
    assert {entry.object_repr.split(",")[0] for entry in LogEntry.objects.all()} == {"ann", "bob"}


def confirmed(client, response, url=LIST):
    """The form of a page that asks, sent as a browser does."""
    fields = re.findall(r'<input type="hidden" name="(.+?)" value="(.*?)">', response.text)
    data = {}
    for name, value in fields:
        data.setdefault(name, []).append(value)
    return client.post(url, data)


@pytest.mark.parametrize(
    ("action", "number"), [("delete_selected", 2), ("end_all", 4), ("end_others", 2)]
)
def test_every_action_asks_before(client, url, logged_in, action, number):
    everyone = [logged_in(name) for name in ("ann", "ann", "bob", "bob", "eve")]
    response = act(client, url, action, everyone[0], everyone[2], index="0")
    assert response.status_code == 200
    assert f"End {number} sessions" in response.text
    assert [response.text.count(f"<li>{name},") for name in ("ann", "bob", "eve")] == [
        number // 2,
        number // 2,
        0,
    ]
    assert not any(map(is_over, everyone))
    assert confirmed(client, response, url).status_code == 302
    assert sum(map(is_over, everyone)) == number and not is_over(everyone[-1])
    assert f"{number} sessions were ended." in client.get(url).text


def test_all_that_are_found_are_ended(client, logged_in, monkeypatch):
    monkeypatch.setattr("mongo_contrib.sessions.admin.MOST_NAMED", 2)
    everyone = [logged_in("ann", minutes) for minutes in range(4)]
    data = {"index": "0", "select_across": "1"}
    response = act(client, f"{LIST}?q=ann", "delete_selected", everyone[0], **data)
    assert "End 4 sessions" in response.text and "and 2 more" in response.text
    assert response.text.count('name="_selected_action"') == 1
    confirmed(client, response, f"{LIST}?q=ann")
    assert all(map(is_over, everyone)) and not is_over(current(client))


def test_where_nothing_is_to_be_ended_nothing_is_asked(client, logged_in):
    session = logged_in()
    assert act(client, LIST, "end_others", session).status_code == 302
    assert "0 sessions were ended." in client.get(LIST).text


def test_the_words_are_the_same_everywhere(client, url, logged_in):
    session = logged_in()
    page = client.get(f"{url}{session.session_id}/change/").text
    for word in ("Last seen:", "Since:", "Until:", "End this session"):
        assert word in page
    assert ">Delete<" not in page
    client.post(f"{url}{session.session_id}/delete/", {"post": "yes"})
    assert "1 session was ended." in client.get(url).text


def test_all_of_their_users_are_ended(client, logged_in):
    ann, ann2, bob, bob2, eve = map(logged_in, ("ann", "ann", "bob", "bob", "eve"))
    response = act(client, LIST, "end_all", ann, bob, post="yes")
    assert response.status_code == 302
    assert "4 sessions were ended." in client.get(LIST).text
    assert [is_over(each) for each in (ann, ann2, bob, bob2, eve)] == [True] * 4 + [False]
    logged = sorted(entry.object_repr.split(",")[0] for entry in LogEntry.objects.all())
    assert logged == ["ann", "ann", "bob", "bob"]


def test_all_others_of_their_users_are_ended(client, logged_in):
    ann, ann2, bob, bob2, eve = map(logged_in, ("ann", "ann", "bob", "bob", "eve"))
    elsewhere = logged_in("root")
    done = act(client, LIST, "end_others", ann, bob, elsewhere, post="yes")
    assert done.status_code == 302
    assert [is_over(each) for each in (ann2, bob2)] == [True, True]
    assert not any(map(is_over, (ann, bob, eve, elsewhere, current(client))))


def test_visitors_among_the_selected_take_nobody_along(client, logged_in):
    ann, visitor, other = logged_in("ann"), SessionStore(), SessionStore()
    visitor.save()
    other["a"] = 1
    other.save()
    act(client, f"{LIST}?logged_in=no", "end_all", visitor, post="yes")
    assert not is_over(ann) and not is_over(other)


@pytest.mark.parametrize("one", [True, False])
def test_one_that_gets_another_key_meanwhile_is_ended(client, url, logged_in, monkeypatch, one):
    session, delete = logged_in(), Session.objects.all().__class__.delete
    ended = session.session_id
    renaming = SessionStore(session.session_key)
    renaming.get("cart")

    def overtaken(*args, **kwargs):
        monkeypatch.undo()
        renaming.cycle_key()
        return model_delete(*args, **kwargs) if one else delete(*args, **kwargs)

    model_delete = Session.delete
    monkeypatch.setattr(Session if one else type(Session.objects.all()), "delete", overtaken)
    if one:
        client.post(f"{url}{ended}/delete/", {"post": "yes"})
    else:
        data = {"action": "delete_selected", "_selected_action": ended, "post": "yes"}
        client.post(url, data)
    assert renaming.session_id != ended
    assert dict(SessionStore(renaming.session_key).items()) == {}


@pytest.mark.parametrize("action", ["delete_selected", "end_all", "the page"])
def test_who_ends_the_own_session_is_logged_out(client, url, logged_in, action):
    logged_in()
    mine = current(client)
    if action == "the page":
        response = client.post(f"{url}{mine.session_id}/delete/", {"post": "yes"})
    else:
        response = act(client, url, action, mine, post="yes")
    assert response.status_code == 302
    assert response.cookies["sessionid"]["max-age"] == 0
    assert is_over(mine)
    login = client.get(url)["Location"]
    assert "/login/" in login and "ended" not in client.get(login).text
    assert LogEntry.objects.count() == 1


def with_permissions(*names):
    user = User.objects.create_user(str(ObjectId()), is_staff=True)
    user.user_permissions = [f"mongo_sessions.{name}" for name in names]
    user.save()
    client = Client()
    client.force_login(user)
    return client


def test_permissions_are_djangos(db, url, logged_in):
    session = logged_in()
    page = f"{url}{session.session_id}/delete/"
    nobody, viewer = with_permissions(), with_permissions("view_session")
    assert nobody.get(url).status_code == 403
    assert viewer.get(url).status_code == 200
    assert viewer.get(page).status_code == 403
    assert viewer.post(page, {"post": "yes"}).status_code == 403
    assert "_selected_action" not in viewer.get(url).text
    for action in ("delete_selected", "end_all", "end_others"):
        act(viewer, url, action, session, post="yes")
        act(nobody, url, action, session, post="yes")
    assert not is_over(session)
    ender = with_permissions("view_session", "delete_session")
    assert ender.post(page, {"post": "yes"}).status_code == 302
    assert is_over(session)


def test_there_are_only_permissions_that_mean_something():
    from mongo_contrib.auth.permissions import permission_choices

    found = {name for name, _ in permission_choices() if name.startswith("mongo_sessions.")}
    assert found == {"mongo_sessions.view_session", "mongo_sessions.delete_session"}


HOSTILE = ['{"$ne": 1}', "nonsense", "a\0b", "9" * 100, "(((", "x" * 5_000]


def test_hostile_query_strings(client, logged_in):
    logged_in()
    client.raise_request_exception = False
    for name in ("q", "p", "o", "user_id", "user_id__in", "logged_in", "seen", "last_seen__gte"):
        for value in HOSTILE:
            response = client.get(LIST, {name: value})
            assert response.status_code in (200, 302, 400), (name, value)
    with CaptureCommands() as captured:
        assert client.get(f"{LIST}?user_agent__regex=(a%2B)%2B$").status_code == 400
        assert client.get(f"{LIST}?data__x=1")["Location"] == f"{LIST}?e=1"
    assert "(a+)+$" not in str([event.command for event in captured])


@pytest.mark.parametrize("page", ["change", "delete", "history"])
def test_hostile_ids(client, page):
    client.raise_request_exception = False
    for key in ("nonsense", "%7B%22$ne%22: 1}", "a%00b", "_00", "x" * 3_000):
        response = client.get(f"{LIST}{key}/{page}/")
        assert (response.status_code, response["Location"]) == (302, "/admin/"), key


def test_hostile_actions(client, logged_in):
    session = logged_in()
    for value in HOSTILE:
        for action in ("delete_selected", "end_all", "end_others"):
            data = {"action": action, "_selected_action": value, "post": "yes"}
            assert client.post(LIST, data).status_code in (200, 302), (action, value)
    assert not is_over(session)


def test_with_another_engine_there_is_nothing_to_show(client, logged_in, settings, rf, root):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    request = rf.get(LIST)
    request.user = root
    options = admin.site.get_model_admin(Session)
    assert options.has_module_permission(request) is False
    with pytest.raises(ImproperlyConfigured, match="whose sessions cannot be listed"):
        options.get_queryset(request)


# Beside the admin


def test_dumpdata_leaves_sessions_out(logged_in, capsys):
    logged_in()
    call_command("dumpdata", "mongo_sessions", "mongo_auth")
    out = capsys.readouterr().out
    assert '"ann"' in out and "mongo_sessions" not in out


def test_loaddata_revives_nothing(logged_in, tmp_path):
    session = logged_in()
    fixture = tmp_path / "sessions.json"
    fields = f'"user_id": "1", "expires": "{NOW + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"'
    fixture.write_text(
        f'[{{"model": "mongo_sessions.session", "pk": "{"0" * 64}", "fields": {{{fields}}}}}]'
    )
    call_command("loaddata", str(fixture), verbosity=0)
    assert Session.objects.count() == 1 and not is_over(session)


def test_it_is_declared_once(connection):
    from mongo_contrib.db.schema.planning import declarations

    specs = [spec for spec in declarations("default") if spec.name == "django_session"]
    assert [spec.source for spec in specs] == ["mongo_sessions"]


def test_a_wrong_alias_is_told_once(settings):
    settings.MONGO_SESSION_ALIAS = "nowhere"
    assert [message.id for message in checks.run_checks()] == ["mongo_sessions.E001"]


@pytest.mark.django_db(transaction=True)
def test_flush_ends_all(logged_in):
    session = logged_in()
    call_command("flush", interactive=False, verbosity=0)
    assert is_over(session)
