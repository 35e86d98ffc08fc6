"""What gunicorn serves."""

from service import app, settings

application = app.create_app(settings.read())
