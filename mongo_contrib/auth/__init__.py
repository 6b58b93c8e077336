"""Users, groups and permissions in MongoDB, for Django's own auth views, forms and commands."""
