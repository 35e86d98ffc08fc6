"""Access for tests that are not about access: whoever asks may do everything, nothing is counted or recorded."""

from service.auth.permissions import PERMISSIONS
from service.auth.principals import ANONYMOUS, Grant, Principal
from service.http.access import Access, Authentication, Charging, Recording


class Everyone(Authentication):
    def authenticate(self, headers):
        return Principal(ANONYMOUS, grants=(Grant(PERMISSIONS, ("*",)),))


class NoQuotas(Charging):
    def charge(self, principal, rows):
        return {}


class NoRecord(Recording):
    def record(self, entry):
        pass


class OpenAccess(Access):
    """Access for everyone, or for those whom ``authenticator`` knows."""

    authenticator: Authentication = Everyone()
    quotas: Charging = NoQuotas()
    audit: Recording = NoRecord()

    def __init__(self, authenticator=None):
        self.authenticator = authenticator or Everyone()

    def start(self):
        pass

    def stop(self):
        pass
