"""May this version be published or promoted? Each is tried in a separate process before any replica sees it."""
