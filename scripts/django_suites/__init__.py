"""What `django_tests.py` runs: a module for each app of Django's tests.

Each has APPS and SETTINGS, an EXCLUDED (test -> why it can't pass here, as "Class.test", or as
"Class" for one that isn't run at all), and `cases()`, called when Django is set up. `prepare()`,
if there is one, is called before that.
"""
