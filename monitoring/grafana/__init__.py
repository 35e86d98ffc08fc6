"""Grafana's dashboards as programs; `dashboards/` holds what they write."""
