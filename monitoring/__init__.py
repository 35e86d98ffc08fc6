"""What watches Millrace: generators of dashboards and reference pages, and a counter of Nginx's log."""
