from .plan import Plan


class DynamicPlan(Plan):
    pass
