"""The API description: what each route says of itself, the OpenAPI document made of it, and the page that shows it."""
