"""A second Nginx, in front of a stack, that takes a path away, as a proxy shared by several services does."""

import subprocess

from deploy.local import nginx
from tests.system.running import free_ports

CONFIGURATION = """
worker_processes 1;
pid nginx.pid;
events {}
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
    %s
}
"""
SERVER = """
    server {
        listen 127.0.0.1:%(port)d;
        proxy_bind %(source)s;
        proxy_set_header Host $http_host;
        location %(path)s/ { proxy_pass %(to)s/; %(more)s }
        location /.well-known/ { proxy_pass %(to)s/.well-known/; }
    }
"""


class Proxy:
    """It asks the stack ``to`` for what is under ``path``, from the address ``source``, and says so with ``header``."""

    def __init__(self, folder, to, path, *, source="127.0.0.1", header=False):
        self.folder = folder
        self.to, self.path, self.source, self.header = to, path, source, header
        self.port = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}{path}"
        self.process = None

    def start(self):
        self.folder.mkdir(parents=True)
        more = f"proxy_set_header X-Forwarded-Prefix {self.path};" if self.header else ""
        told = {"port": self.port, "source": self.source, "path": self.path, "to": self.to, "more": more}
        configuration = self.folder / "nginx.conf"
        configuration.write_text(CONFIGURATION % SERVER % told)
        command = nginx.command(nginx.find(), self.folder, configuration)
        nginx.check(command)
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        return self

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
