"""What `manage.py gridfs` can do: one module for each, over `mongo_contrib.storage.maintenance`."""
