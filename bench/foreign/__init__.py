"""Other projects' servers, measured next to Millrace: each in an environment with its own pinned packages."""
