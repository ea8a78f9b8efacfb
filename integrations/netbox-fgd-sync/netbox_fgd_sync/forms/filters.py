"""The form with which lists of links are narrowed down."""

from django import forms
from netbox.forms import PrimaryModelFilterSetForm
from utilities.forms import BOOLEAN_WITH_BLANK_CHOICES
from utilities.forms.fields import TagFilterField
from utilities.forms.rendering import FieldSet

from ..choices import DirectionChoices, StateChoices, WinnerChoices
from ..models import FabricLink


class FabricLinkFilterForm(PrimaryModelFilterSetForm):
    """By what people say, and by how a fabric is."""

    model = FabricLink
    fieldsets = (
        FieldSet("q", "filter_id", "tag"),
        FieldSet("fabric", "state", "direction", "conflict_winner", "enabled", name="Synchronization"),
        FieldSet("repository_url", "branch", "gitops_directory", name="Repository"),
        FieldSet("owner_group_id", "owner_id", name="Ownership"),
    )
    fabric = forms.CharField(label="Fabric", required=False, help_text="A part of its name")
    state = forms.MultipleChoiceField(label="Status", choices=StateChoices, required=False)
    direction = forms.MultipleChoiceField(choices=DirectionChoices, required=False)
    conflict_winner = forms.MultipleChoiceField(label="Who wins a conflict", choices=WinnerChoices, required=False)
    enabled = forms.NullBooleanField(required=False, widget=forms.Select(choices=BOOLEAN_WITH_BLANK_CHOICES))
    repository_url = forms.CharField(label="Repository", required=False)
    branch = forms.CharField(required=False)
    gitops_directory = forms.CharField(label="Directory", required=False)
    tag = TagFilterField(model)
