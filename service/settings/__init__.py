"""Settings: each declared once, read from the environment once. Nothing else reads the environment."""

from service.settings.declaration import BadSetting, Setting
from service.settings.replica import Settings, log_in_force, read

__all__ = ["BadSetting", "Setting", "Settings", "log_in_force", "read"]
