"""What can be wrong when FGD Sync is asked for something."""

# Of HTTP: the first status that is about the request, and the first that is about the server.
FIRST_ERROR = 400
FIRST_FAILURE = 500


class FGDSyncError(Exception):
    """Says why FGD Sync did not do something, and what to do about it."""

    def __init__(self, message: str, remedy: str = "", code: str = "", status: int = 0) -> None:
        """Take the words of FGD Sync, and the status of HTTP, where there was an answer."""
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.code = code
        self.status = status

    @property
    def sentence(self) -> str:
        """Return what is wrong and what to do about it, for people."""
        return f"{self.message} {self.remedy}".replace("\0", "").strip()

    @property
    def is_refusal(self) -> bool:
        """Report whether it says that something is wrong with what was asked for, or with who asked."""
        return FIRST_ERROR <= self.status < FIRST_FAILURE

    @property
    def is_certain(self) -> bool:
        """Report whether what was asked for was not done, and will not be."""
        return self.is_refusal or isinstance(self, AwayError | NotConfiguredError)


class AwayError(FGDSyncError):
    """Says that FGD Sync was not asked, as it takes no connections or has given no answers."""


class SlowError(FGDSyncError):
    """Says that FGD Sync has not answered this in time, or that too many wait for it already."""


class NotConfiguredError(FGDSyncError):
    """Says that NetBox was not told where FGD Sync is, or was told wrongly."""
