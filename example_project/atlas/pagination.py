from django.core.paginator import Paginator
from django.utils.functional import cached_property


class BoundedPaginator(Paginator):
    """Django's paginator over the first `bound` results: no visitor can make us count them all."""

    bound = 1000

    @cached_property
    def count(self):
        return self.object_list[: self.bound].count()

    @property
    def reached_bound(self):
        return self.count >= self.bound
