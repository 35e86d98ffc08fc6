"""The dialect of MLflow's scoring server."""
