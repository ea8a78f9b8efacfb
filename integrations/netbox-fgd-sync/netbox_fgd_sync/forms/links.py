"""The form of a link."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from netbox.context import current_request
from netbox.forms import PrimaryModelForm
from utilities.exceptions import PermissionsViolation
from utilities.forms.rendering import FieldSet, TabbedGroups

from .. import fabrics
from ..models import FabricLink

# What people say of a fabric.
FIELDS = (
    "repository_url",
    "branch",
    "gitops_directory",
    "credentials_ref",
    "direction",
    "conflict_winner",
    "enabled",
    "requested_fabric_id",
    "description",
    "owner",
    "comments",
    "tags",
)

ONE = "Choose a fabric, or give the name of a new one."


class FabricLinkForm(PrimaryModelForm):
    """Links a fabric that there is, or makes one."""

    record = forms.ModelChoiceField(
        label="Fabric", queryset=FabricLink.objects.none(), required=False, help_text="One that has no link yet"
    )
    new_fabric = forms.CharField(
        label="New fabric", max_length=100, required=False, help_text="Its name. It is made when the link is saved"
    )

    class Meta:
        """What people say of a fabric."""

        model = FabricLink
        fields = FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer fabrics without a link; a link stays that of its fabric."""
        super().__init__(*args, **kwargs)
        self.fabric: Any = None  # one that is made with the link
        if self.instance.pk:
            del self.fields["record"], self.fields["new_fabric"]
            self.fields["requested_fabric_id"].disabled = bool(self.instance.applied)
            return
        self.fields["record"].queryset = fabrics.unlinked()
        if not self.may_add():
            del self.fields["new_fabric"]

    @staticmethod
    def may_add() -> bool:
        """Report whether the user may make fabrics."""
        request = current_request.get()
        return bool(request and fabrics.model() and request.user.has_perm(fabrics.permission("add")))

    @property
    def fieldsets(self) -> tuple[FieldSet, ...]:
        """Return the fields in groups."""
        choice: tuple[Any, ...] = ()
        if "new_fabric" in self.fields:
            choice = (
                TabbedGroups(FieldSet("record", name="Existing fabric"), FieldSet("new_fabric", name="New fabric")),
            )
        elif "record" in self.fields:
            choice = ("record",)
        return (
            FieldSet(*choice, "description", "tags", name="Fabric"),
            FieldSet("repository_url", "branch", "gitops_directory", "credentials_ref", name="Repository"),
            FieldSet("direction", "conflict_winner", "enabled", "requested_fabric_id", name="Synchronization"),
        )

    def clean(self) -> dict[str, Any]:
        """Find the fabric, or hold a new one against its own rules."""
        super().clean()
        if self.instance.pk:
            return self.cleaned_data
        chosen, name = self.cleaned_data.get("record"), self.cleaned_data.get("new_fabric")
        if name and not chosen:
            self.fabric = chosen = self.made(name)
        elif bool(chosen) == bool(name) and "record" not in self.errors:
            self.add_error("record", ONE)
        self.instance.record = chosen
        return self.cleaned_data

    def made(self, name: str) -> Any:
        """Return a new fabric, which is not saved yet. What is wrong with it is said at the field."""
        fabric = fabrics.model()(name=name)  # type: ignore[misc]  # without the model there is no such field
        try:
            fabric.full_clean()
        except ValidationError as error:
            self.add_error("new_fabric", error.messages)
        return fabric

    def _update_errors(self, errors: ValidationError) -> None:
        # The model misses the record of a link, a field that this form has not: it said so itself, or makes the record.
        errors.error_dict.pop("object_id", None)
        super()._update_errors(errors)

    def save(self, commit: bool = True) -> FabricLink:
        """Save the link, and before it the fabric that is new, in the transaction of the page."""
        if self.fabric is not None:
            self.fabric.save()
            user = current_request.get().user
            if not type(self.fabric).objects.restrict(user, "add").filter(pk=self.fabric.pk).exists():
                raise PermissionsViolation
            self.instance.record = self.fabric
        return super().save(commit)
