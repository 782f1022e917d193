"""An intranet inside a network namespace that a test has made: name servers that write down what they are asked, and a web server.

Arguments: a directory, in which `ready` comes into being when all of them listen and `asked` gets a line for each question
(`SERVER NAME TYPE`); then for each server `dns ADDRESS WHAT NAME=ADDRESS…`, where WHAT becomes of other names is `silent` or
`nothing` (there is no such name), or `http ADDRESS`, or `unix PATH`, somebody who takes connections
and says nothing.
"""

import http.server
import os
import socket
import sys
import threading
import zipfile

DIR = sys.argv[1]
PAGES = {
    "/": b"the intranet\n",
    "/data.json": b'{"from": "the intranet"}',
    # What git asks of a server that only has files.
    "/repo.git/info/refs": b"0123456789012345678901234567890123456789\trefs/heads/main\n",
    "/repo.git/HEAD": b"ref: refs/heads/main\n",
    "/simple/tiny/": b'<a href="/tiny-1-py3-none-any.whl">tiny-1-py3-none-any.whl</a>',
}


def wheel():
    path = os.path.join(DIR, "tiny.whl")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny.py", "")
        archive.writestr("tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1\n")
        archive.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.dist-info/RECORD", "")
    with open(path, "rb") as file:
        return file.read()


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = PAGES.get(self.path.split("?")[0])
        self.send_response(200 if body else 404)
        kind = "text/html" if self.path.startswith("/simple/") else "text/plain"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *words):
        pass


def web(address):
    PAGES["/tiny-1-py3-none-any.whl"] = wheel()
    server = http.server.ThreadingHTTPServer((address, 80), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def name_server(address, otherwise, *names):
    known = dict(name.split("=") for name in names)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind((address, 53))

    def loop():
        while True:
            query, peer = server.recvfrom(4096)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
                at += 1 + query[at]
            name, kind = ".".join(labels), query[at + 2]
            with open(os.path.join(DIR, "asked"), "a", encoding="ascii") as file:
                file.write(f"{address} {name} {kind}\n")
            found = known.get(name)
            if not found and otherwise == "silent":
                continue
            question = query[12 : at + 5]
            data = {1: b"", 28: b""}
            if found:
                six = ":" in found
                data[28 if six else 1] = socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, found)
            record = data.get(kind, b"")
            answer = b"\xc0\x0c\0" + bytes([kind]) + b"\0\1\0\0\0\x3c\0" + bytes([len(record)]) + record if record else b""
            counts = b"\0\1\0" + bytes([1 if record else 0]) + b"\0\0\0\0"
            server.sendto(query[:2] + (b"\x81\x80" if found else b"\x81\x83") + counts + question + answer, peer)

    threading.Thread(target=loop, daemon=True).start()


def unix(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    os.chmod(path, 0o777)
    server.listen()

    def loop():
        while True:
            server.accept()[0].close()

    threading.Thread(target=loop, daemon=True).start()


def main():
    for words in (text.split() for text in sys.argv[2:]):
        {"dns": name_server, "http": web, "unix": unix}[words[0]](*words[1:])
    with open(os.path.join(DIR, "asked"), "a", encoding="ascii"):
        pass
    with open(os.path.join(DIR, "ready"), "w", encoding="ascii"):
        pass
    threading.Event().wait()


main()
