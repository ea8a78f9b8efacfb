"""The widget of the dashboard."""

from django.db.models import Case, Count, When
from django.http import HttpRequest
from django.template.loader import render_to_string
from extras.dashboard.utils import register_widget
from extras.dashboard.widgets import DashboardWidget

from . import client
from .choices import StateChoices
from .models import FabricLink

MOST = 10

# What somebody has to look at comes first.
ORDER = (
    StateChoices.FAILED,
    StateChoices.ATTENTION,
    StateChoices.UNREGISTERED,
    StateChoices.NEVER_SYNCED,
    StateChoices.SUSPENDED,
    StateChoices.SYNCING,
    StateChoices.IN_SYNC,
)


@register_widget
class FabricsWidget(DashboardWidget):
    """Fabrics by how they are, as far as is known."""

    default_title = "FGD Sync"
    description = "How fabrics and their GitOps directories are, those that need attention first."
    width = 4
    height = 3

    def render(self, request: HttpRequest) -> str:
        """Return what the widget shows of the links that the user may view."""
        links = FabricLink.objects.restrict(request.user, "view").order_by()
        by_state = dict(links.values_list("state").annotate(Count("pk")))
        place = Case(*(When(state=state, then=number) for number, state in enumerate(ORDER)))
        shown = list(links.order_by(place, "object_id").prefetch_related("record")[:MOST])
        labels = dict(StateChoices)
        states = [
            (state, labels[state], StateChoices.colors[state], by_state[state]) for state in ORDER if state in by_state
        ]
        return render_to_string(
            "netbox_fgd_sync/widget.html",
            {
                "allowed": request.user.has_perm("netbox_fgd_sync.view_fabriclink"),
                "links": shown,
                "more": sum(by_state.values()) - len(shown),
                "problem": client.away(),
                "states": states,
            },
        )
