"""A stand-in for the hub, on loopback: what `snapshot_download` and `hf_hub_download` ask of one.

Prints its port. Its repositories are made up here; while the file STALL exists, a large file is sent to its half and no further.
"""

import hashlib
import json
import os
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlparse


def tensors(size, seed):
    head = json.dumps({"weight": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    return struct.pack("<Q", len(head)) + head + bytes((seed + at) % 251 for at in range(size))


def index(*names):
    weights = {f"layer.{at}": name for at, name in enumerate(names)}
    return json.dumps({"metadata": {}, "weight_map": weights}).encode()


SHARDS = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
FIRST = {
    "config.json": b'{"model_type": "tiny"}',
    "model.safetensors.index.json": index(*SHARDS),
    SHARDS[0]: tensors(1000, 1),
    SHARDS[1]: tensors(600_000, 2),
    "original/deep/vocab.txt": b"a\nb\n",
    "empty.txt": b"",
}
SECOND = {**FIRST, "config.json": b'{"model_type": "tiny", "again": true}'}
THIRD = {"config.json": b"{}", "model.safetensors": tensors(10, 3)}


def commit(name):
    return hashlib.sha1(name.encode()).hexdigest()


# Kind and id: the commits' files, and where branches and tags lead.
REPOSITORIES = {
    ("models", "org/tiny"): (
        {commit("first"): FIRST, commit("second"): SECOND, commit("third"): THIRD},
        {"main": commit("second"), "v1.0": commit("first"), "refs/pr/1": commit("third"), "feature/x": commit("third")},
    ),
    ("models", "alone"): ({commit("alone"): THIRD}, {"main": commit("alone")}),
    ("datasets", "org/data"): ({commit("data"): {"train/0.txt": b"x\n", "README.md": b"#"}}, {"main": commit("data")}),
}


class Hub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def wrong(self, code):
        self.answer(404, b"{}", X_Error_Code=code, Content_Type="application/json")

    def do_GET(self):
        parts = [unquote(part) for part in urlparse(self.path).path.strip("/").split("/")]
        is_api = parts[0] == "api"
        parts = parts[1:] if is_api else parts
        kind = parts.pop(0) if parts[0] in ("models", "datasets", "spaces") else "models"
        words = {"revision", "tree"} if is_api else {"resolve"}
        at = next((at for at, part in enumerate(parts) if part in words), len(parts))
        name, rest = "/".join(parts[:at]), parts[at:]
        if (kind, name) not in REPOSITORIES:
            return self.wrong("RepoNotFound")
        commits, refs = REPOSITORIES[kind, name]
        word, revision = rest[0] if rest else "revision", rest[1] if len(rest) > 1 else "main"
        sha = refs.get(revision, revision)
        if sha not in commits:
            return self.wrong("RevisionNotFound")
        files = commits[sha]
        if word == "revision":
            body = {"_id": "0", "id": name, "modelId": name, "sha": sha, "private": False, "tags": [], "downloads": 0, "likes": 0}
            body["siblings"] = [{"rfilename": file} for file in files]
            return self.answer(200, json.dumps(body).encode(), Content_Type="application/json")
        if word == "tree":
            body = [self.entry(path, data) for path, data in files.items()]
            return self.answer(200, json.dumps(body).encode(), Content_Type="application/json")
        file = "/".join(rest[2:])
        if file not in files:
            return self.wrong("EntryNotFound")
        return self.file(sha, file, files[file])

    do_HEAD = do_GET

    def entry(self, path, data):
        found = {"type": "file", "path": path, "size": len(data), "oid": etag("", data)}
        if path.endswith(".safetensors"):
            found["lfs"] = {"oid": etag(path, data), "size": len(data), "pointerSize": 130}
        return found

    def file(self, sha, path, data):
        start = 0
        if (wanted := self.headers.get("Range")) and self.command == "GET":
            start = int(wanted.removeprefix("bytes=").split("-")[0])
        body = data[start:]
        headers = {"X_Repo_Commit": sha, "ETag": f'"{etag(path, data)}"', "Accept_Ranges": "bytes"}
        if start:
            headers["Content_Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if self.command == "GET" and len(data) > 100_000 and os.path.exists(sys.argv[1]):
            self.answer(206 if start else 200, body[: len(body) // 2], Content_Length=len(body), **headers)
            self.wfile.flush()
            while os.path.exists(sys.argv[1]):
                time.sleep(0.01)
            self.close_connection = True
            return
        self.answer(206 if start else 200, body, **headers)


def etag(path, data):
    """What the hub has: the hash that git gives a small file, sha256 of a large one."""
    if path.endswith(".safetensors"):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Server(ThreadingHTTPServer):
    daemon_threads = True


server = Server(("127.0.0.1", 0), Hub)
print(server.server_port, flush=True)
server.serve_forever()
