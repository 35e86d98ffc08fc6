"""What stands in for Elasticsearch, Kibana and Filebeat, by their documentation: strict where the real ones are.

Elasticsearch: https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk and
operation-indices-put-index-template. A field that is there twice, which it keeps with both values, is refused here.
Kibana: https://www.elastic.co/docs/api/doc/kibana/operation/operation-post-saved-objects-import.
Filebeat: https://www.elastic.co/docs/reference/beats/filebeat/filebeat-input-filestream.
"""

import email
import fnmatch
import ipaddress
import json
import re
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

TEMPLATE_KEYS = {
    *("index_patterns", "template", "composed_of", "priority", "version", "_meta", "data_stream"),
    *("allow_auto_create", "ignore_missing_component_templates", "deprecated"),
}
OBJECT_KEYS = {
    *("type", "id", "attributes", "references", "coreMigrationVersion", "typeMigrationVersion", "managed"),
    *("namespaces", "originId", "version", "created_at", "updated_at", "created_by", "updated_by"),
}


class Refused(Exception):
    """A request that the real one would refuse."""


class Elastic:
    """Elasticsearch and Kibana at one address."""

    def __init__(self):
        self.templates, self.documents, self.objects = {}, [], {}
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self):
                self.answer()

            def do_POST(self):
                self.answer()

            def answer(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                try:
                    status, told = 200, stand_in.take(self.command, self.path, self.headers, body)
                except Refused as refused:
                    status, told = 400, {"error": str(refused)}
                text = json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self):
        self._server.shutdown()
        self._server.server_close()

    def take(self, method, path, headers, body):
        if method == "PUT" and (name := re.fullmatch(r"/_index_template/([\w-]+)", path)):
            return self._put_template(name[1], headers, json.loads(body))
        if (method, path) == ("POST", "/_bulk"):
            return self._bulk(headers, body)
        if (method, path) == ("POST", "/api/saved_objects/_import?overwrite=true"):
            return self._import(headers, body)
        raise Refused(f"no handler found for {method} {path}")

    def _put_template(self, name, headers, template):
        if headers["Content-Type"] != "application/json":
            raise Refused(f"Content-Type {headers['Content-Type']} is not supported")
        if unknown := template.keys() - TEMPLATE_KEYS:
            raise Refused(f"unknown field {unknown}")
        if unknown := template.get("template", {}).keys() - {"settings", "mappings", "aliases", "lifecycle"}:
            raise Refused(f"unknown field {unknown}")
        self.templates[name] = template
        return {"acknowledged": True}

    def _bulk(self, headers, body):
        if headers["Content-Type"] not in {"application/x-ndjson", "application/json"} or not body.endswith(b"\n"):
            raise Refused("The bulk request must be terminated by a newline")
        lines = [json.loads(line) for line in body.splitlines()]
        items = [self._index(action, document) for action, document in zip(lines[::2], lines[1::2], strict=True)]
        return {"errors": any(item["create"]["status"] > 299 for item in items), "items": items}

    def _index(self, action, document):
        index = action["create"]["_index"]
        fitting = [t for t in self.templates.values() if any(fnmatch.fnmatch(index, p) for p in t["index_patterns"])]
        try:
            mappings = max(fitting, key=lambda t: t.get("priority", 0))["template"]["mappings"]
            fields = once(leaves(document))
            for path, value in fields.items():
                accept(path, value, kind(mappings, path, value))
        except Refused as refused:
            return {"create": {"status": 400, "error": {"type": "document_parsing_exception", "reason": str(refused)}}}
        self.documents.append(fields)
        return {"create": {"status": 201, "_index": index}}

    def _import(self, headers, body):
        if not headers["kbn-xsrf"]:
            raise Refused("Request must contain a kbn-xsrf header.")
        form = email.message_from_bytes(f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode() + body)
        (file,) = form.get_payload()
        if not file.get_filename().endswith(".ndjson"):
            raise Refused("Invalid file extension")
        objects = [json.loads(line) for line in file.get_payload(decode=True).splitlines()]
        for one in objects:
            if one.keys() - OBJECT_KEYS:
                raise Refused(f"unknown field {one.keys() - OBJECT_KEYS}")
        self.objects |= {(one["type"], one["id"]): one for one in objects}
        return {"success": True, "successCount": len(objects)}


def leaves(value, path=""):
    """Every value of a document, and its path; names with dots are paths too."""
    if not isinstance(value, dict):
        yield path, value
        return
    for name, inner in value.items():
        yield from leaves(inner, f"{path}.{name}" if path else name)


def once(pairs):
    """The values by their paths. Raises Refused for a path that is there twice."""
    found = {}
    for path, value in pairs:
        if path in found:
            raise Refused(f"{path} is there twice")
        found[path] = value
    return found


def kind(mappings, path, value):
    """The type that a field has: declared, or that of the first dynamic template that fits."""
    mapped = mappings
    for part in path.split("."):
        mapped = mapped.get("properties", {}).get(part, {})
    if mapped:
        return mapped.get("type", "object")
    for named in mappings.get("dynamic_templates", []):
        (template,) = named.values()
        by_path = fnmatch.fnmatch(path, template.get("path_match", "*"))
        if by_path and template.get("match_mapping_type", "string") == "string" and isinstance(value, str):
            return template["mapping"]["type"]
        if by_path and "path_match" in template and "match_mapping_type" not in template:
            return template["mapping"]["type"]
    return {bool: "boolean", int: "long", float: "float"}.get(type(value), "object")


def accept(path, value, declared):
    """Raises Refused where a value cannot be of the declared type."""
    for one in value if isinstance(value, list) else [value]:
        try:
            fits = read(one, declared)
        except (TypeError, ValueError):
            fits = False
        if not fits:
            raise Refused(f"failed to parse field [{path}] of type [{declared}]: {one!r}")


def read(value, declared):
    """Whether a value is of the declared type. Raises TypeError or ValueError where it cannot even be read."""
    readers = {"date": datetime.fromisoformat, "ip": ipaddress.ip_address, "long": lambda one: int(str(one))}
    if declared in readers:
        readers[declared](value)
        return True
    return not isinstance(value, dict) and declared != "object"


class Filebeat:
    """Reads Docker's log files by a filebeat.yml and sends them on. Refuses an option that it does not know."""

    def __init__(self, configuration, output):
        (self._input,) = configuration["filebeat.inputs"]
        assert self._input.keys() <= {"type", "id", "paths", "parsers", "prospector.scanner.symlinks"}
        assert self._input["type"] == "filestream"
        self._processors = configuration["processors"]
        self._index = configuration["output.elasticsearch"]["index"]
        self._output = output

    def send(self, lines):
        """Send a log file's lines; gives what the output answers."""
        events = [event for line in lines for event in [self._processed(self._parsed(line))] if event]
        day = "%{+yyyy.MM.dd}"
        body = ""
        for event in events:
            index = self._index.replace(day, event["@timestamp"][:10].replace("-", "."))
            body += json.dumps({"create": {"_index": index}}) + "\n" + json.dumps(event) + "\n"
        headers = {"Content-Type": "application/x-ndjson"}
        return requests.post(f"{self._output}/_bulk", data=body.encode(), headers=headers, timeout=20).json()

    def _parsed(self, line):
        event = {
            "message": line,
            "ecs": {"version": "8.0.0"},
            "log": {"file": {"path": "/x"}, "offset": 0},
            "input": {"type": "filestream"},
            "agent": {"type": "filebeat", "ephemeral_id": "e"},
        }
        for parser in self._input["parsers"]:
            ((name, options),) = parser.items()
            if name == "container":
                assert options.keys() <= {"stream", "format"}
                docker = json.loads(event["message"])
                event |= {
                    "message": docker["log"].rstrip("\n"),
                    "@timestamp": docker["time"],
                    "stream": docker["stream"],
                }
            else:
                assert name == "ndjson"
                assert options.keys() <= {
                    *("target", "overwrite_keys", "expand_keys", "add_error_key", "ignore_decoding_error"),
                    *("message_key", "document_id"),
                }
                self._decode(event, options)
        return event

    @staticmethod
    def _decode(event, options):
        try:
            decoded = json.loads(event["message"])
        except ValueError:
            assert options["ignore_decoding_error"]
            return
        assert (options["target"], options["overwrite_keys"]) == ("", True)
        del event["message"]
        for name, value in decoded.items():
            put(event, name.split(".") if options.get("expand_keys") else [name], value)

    def _processed(self, event):
        for processor in self._processors:
            ((name, options),) = processor.items()
            if not holds(event, options.get("when", {})):
                continue
            if name == "add_fields":
                for field, value in options["fields"].items():
                    put(event, [options["target"], field], value)
            else:
                assert (name, options["ignore_missing"]) == ("drop_fields", True)
                for field in options["fields"]:
                    drop(event, field.split("."))
        return event


def put(event, path, value):
    *above, last = path
    for part in above:
        event = event.setdefault(part, {})
    if isinstance(value, dict) and isinstance(event.get(last), dict):
        for name, inner in value.items():
            put(event[last], [name], inner)
    else:
        event[last] = value


def drop(event, path):
    *above, last = path
    for part in above:
        event = event.get(part, {})
    event.pop(last, None)


def holds(event, condition):
    flat = dict(leaves(event))
    for name, wanted in condition.items():
        if name == "equals" and any(flat.get(field) != value for field, value in wanted.items()):
            return False
        if name == "has_fields" and any(field not in flat for field in wanted):
            return False
        assert name in {"equals", "has_fields"}
    return True
