"""What fields can be."""

from utilities.choices import ChoiceSet


class FabricStatus(ChoiceSet):
    """What is done with a fabric."""

    CHOICES = [(word, word.title()) for word in ("planned", "active", "maintenance", "decommissioned")]


class ConnectionStatus(ChoiceSet):
    """Whether the fabric's cluster answers."""

    CHOICES = [(word, word.title()) for word in ("unknown", "connected", "disconnected", "error")]


class SyncStatus(ChoiceSet):
    """How a fabric stands to what it is synced with."""

    CHOICES = [
        (word, word.replace("_", " ").title())
        for word in ("never_synced", "in_sync", "out_of_sync", "syncing", "error")
    ]


class KubernetesStatus(ChoiceSet):
    """How a resource stands in the cluster."""

    CHOICES = [(word, word.title()) for word in ("unknown", "pending", "applied", "live", "error", "deleting")]
