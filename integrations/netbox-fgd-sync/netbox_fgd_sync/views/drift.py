"""Records that are not what Git says, or not yet."""

from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.http import HttpRequest
from utilities.views import ViewTab, register_model_view

from .. import fabrics, remedies
from ..answers import listed, member, whole
from ..client import Client
from ..models import FabricLink
from .base import VIEW, PanelView, address, fabric, paging

RECEIPTS = 100

# States of records, as people call them.
STATES = {
    "held": "Held",
    "undeliverable": "Refused by NetBox",
    "pending": "Waiting",
    "merging": "On the way to Git",
}


def drifting(counts: Mapping[str, Any]) -> int:
    """Return how many records somebody has to look at."""
    return sum(whole(counts, state) for state in ("held", "undeliverable"))


@register_model_view(FabricLink, "drift")
class DriftView(PanelView):
    """The list, by states."""

    tab = ViewTab(label="Drift", badge=lambda link: drifting(link.counts), permission=VIEW, weight=530)
    title = "Drift"
    panel_template_name = "netbox_fgd_sync/panels/drift.html"

    def ask(self, asker: Client, link: FabricLink, request: HttpRequest, **_kwargs: Any) -> Mapping[str, Any]:
        """Ask for a page of a state."""
        token, state = request.GET.get("page_token", ""), request.GET.get("state")
        if state not in STATES:
            state = next((name for name in STATES if (link.counts or {}).get(name)), "held")
        query = {"state": state, "limit": RECEIPTS, "page_token": token}
        said = asker.get(fabric(link, "receipts"), query)
        receipts = listed(said, "receipts")
        for receipt in receipts:
            receipt["remedy"] = remedies.of_record(member(receipt, "problem"))
            receipt["address"] = record_address(receipt)
            receipt["conflict_address"] = address("conflict", link.pk, receipt.get("conflict_id") or "")
        delivery = member(said, "delivery")
        delivery["remedy"] = remedies.remedy(delivery)
        return {
            "receipts": receipts,
            "delivery": delivery,
            "state": state,
            "states": [(name, words, whole(delivery, name)) for name, words in STATES.items()],
            "page_token": token,
            **paging(said),
        }

    def is_news(self, link: FabricLink, said: Mapping[str, Any]) -> bool:
        """Report whether more records, or fewer, are drifting than the tab counts."""
        return drifting(said["delivery"]) != drifting(link.counts)


def record_address(receipt: Mapping[str, Any]) -> str:
    """Return the page of a record, and none where there is no record, or it has no page."""
    pk = receipt.get("record_id")
    fabric_model = fabrics.model()
    if not isinstance(pk, int) or fabric_model is None:
        return ""
    try:
        model = apps.get_model(fabric_model._meta.app_label, str(receipt.get("kind")))
    except LookupError:
        return ""
    return fabrics.page(model(pk=pk))
