"""The form with which lists of changes are narrowed down."""

from django import forms
from utilities.forms import FilterForm
from utilities.forms.rendering import FieldSet
from utilities.forms.widgets import DateTimePicker

from ..filtersets import ACTIONS
from ..models import ChangeRecord
from ..recording import FABRIC, KINDS


class ChangeRecordFilterForm(FilterForm):
    """By what was changed, and by whom."""

    model = ChangeRecord
    fieldsets = (
        FieldSet("q"),
        FieldSet("fabric", "fabric_id", "kind", "namespace", "name", name="Record"),
        FieldSet("action", "user_name", "request_id", "branch", name="Change"),
        FieldSet("time_after", "time_before", name="Time"),
    )
    fabric = forms.CharField(label="Fabric", required=False, help_text="A part of its name")
    fabric_id = forms.IntegerField(
        label="Number of the fabric",
        min_value=1,
        required=False,
        help_text="Of its record, also where that is gone",
    )
    kind = forms.MultipleChoiceField(choices=[(kind, kind) for kind in (FABRIC, *KINDS)], required=False)
    namespace = forms.CharField(required=False)
    name = forms.CharField(required=False)
    action = forms.MultipleChoiceField(choices=ACTIONS, required=False)
    user_name = forms.CharField(label="User", required=False)
    request_id = forms.UUIDField(label="Request", required=False)
    branch = forms.CharField(required=False)
    time_after = forms.DateTimeField(label="After", required=False, widget=DateTimePicker())
    time_before = forms.DateTimeField(label="Before", required=False, widget=DateTimePicker())
