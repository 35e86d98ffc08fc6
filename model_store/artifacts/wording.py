"""How the errors of libraries are worded when an artifact cannot be written or read."""


def words(error: Exception) -> str:
    """Return an error's type and message in one line, cut short."""
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
