"""Forms for many links at once."""

from typing import Any

from django import forms
from netbox.forms import PrimaryModelBulkEditForm, PrimaryModelImportForm
from utilities.forms import add_blank_choice
from utilities.forms.fields import CSVChoiceField, CSVModelChoiceField
from utilities.forms.rendering import FieldSet
from utilities.forms.widgets import BulkEditNullBooleanSelect

from .. import fabrics
from ..choices import DirectionChoices, WinnerChoices
from ..models import FabricLink
from .links import FIELDS


class FabricLinkImportForm(PrimaryModelImportForm):
    """A link from a line of CSV. What has a default may be left out, or empty."""

    defaults = ("branch", "direction", "conflict_winner", "enabled")

    record = CSVModelChoiceField(
        label="Fabric",
        queryset=FabricLink.objects.none(),
        to_field_name="name",
        help_text="Name of the fabric",
    )
    branch = forms.CharField(max_length=255, required=False, help_text="Default: main")
    direction = CSVChoiceField(choices=DirectionChoices, required=False, help_text="Default: both")
    conflict_winner = CSVChoiceField(
        label="Who wins a conflict", choices=WinnerChoices, required=False, help_text="Default: hold"
    )
    enabled = forms.BooleanField(required=False, help_text="Default: true")

    class Meta:
        """What people say of a fabric."""

        model = FabricLink
        fields = FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Know fabrics by their names. One that has a link is known where that link is changed."""
        super().__init__(*args, **kwargs)
        if "record" in self.fields:
            self.fields["record"].queryset = fabrics.everything() if self.instance.pk else fabrics.unlinked()

    def clean(self) -> dict[str, Any]:
        """Leave the default of what is not said."""
        super().clean()
        for name in self.defaults:
            if self.data.get(name) in (None, ""):
                self.cleaned_data.pop(name, None)
        record = self.cleaned_data.get("record")
        if record is not None:
            self.instance.record = record
        return self.cleaned_data

    def _post_clean(self) -> None:
        # A new link without a fabric has been refused already; the model would say it again.
        if self.instance.pk or self.instance.record is not None:
            super()._post_clean()


class FabricLinkBulkEditForm(PrimaryModelBulkEditForm):
    """What several fabrics may have in common."""

    repository_url = forms.CharField(label="Repository", max_length=500, required=False)
    branch = forms.CharField(max_length=255, required=False)
    credentials_ref = forms.CharField(label="Credentials", max_length=200, required=False)
    direction = forms.ChoiceField(choices=add_blank_choice(DirectionChoices), required=False)
    conflict_winner = forms.ChoiceField(
        label="Who wins a conflict", choices=add_blank_choice(WinnerChoices), required=False
    )
    enabled = forms.NullBooleanField(required=False, widget=BulkEditNullBooleanSelect())

    model = FabricLink
    fieldsets = (
        FieldSet("repository_url", "branch", "credentials_ref", name="Repository"),
        FieldSet("direction", "conflict_winner", "enabled", "description", name="Synchronization"),
    )
    nullable_fields = ("credentials_ref", "description", "comments")
