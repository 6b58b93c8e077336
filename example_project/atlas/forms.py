from django import forms

from .models import Country


class SearchForm(forms.Form):
    q = forms.CharField(
        label="Name",
        max_length=100,
        required=False,
        widget=forms.SearchInput(attrs={"placeholder": "begins with …"}),
    )
    country = forms.ModelChoiceField(
        Country.objects.only("code", "name"), required=False, empty_label="All countries"
    )
