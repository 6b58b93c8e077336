"""What `manage.py gridfs` can do: a module for each, over `mongo_contrib.storage.maintenance`."""
