"""The widget of the dashboard."""

from collections import Counter

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
        links = list(FabricLink.objects.restrict(request.user, "view").prefetch_related("record"))
        links.sort(key=lambda link: (ORDER.index(link.state), str(link)))
        by_state = Counter(link.state for link in links)
        labels = dict(StateChoices)
        states = [
            (state, labels[state], StateChoices.colors[state], by_state[state]) for state in ORDER if by_state[state]
        ]
        return render_to_string(
            "netbox_fgd_sync/widget.html",
            {
                "allowed": request.user.has_perm("netbox_fgd_sync.view_fabriclink"),
                "links": links[:MOST],
                "more": len(links) - MOST,
                "problem": client.away(),
                "states": states,
            },
        )
