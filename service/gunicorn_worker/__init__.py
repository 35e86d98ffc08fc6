"""The gunicorn worker that answers all requests that have arrived, each worker on a separate socket."""
