"""URLs of our suite; a test module that needs its own sets ``pytest.mark.urls``."""

urlpatterns: list = []
