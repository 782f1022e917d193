"""The first process of a world: the name server of its intranet, at each of the addresses that are given.

A label below `a.example` has an address, all other names are not there. Whose parent is gone is buried here.
"""

import signal
import socket
import sys
import threading

signal.signal(signal.SIGCHLD, signal.SIG_IGN)


def serve(address):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    while True:
        query, peer = server.recvfrom(2048)
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
            at += 1 + query[at]
        question = query[12 : at + 5]
        is_four = query[at + 2] == 1
        found = labels[1:] == ["a", "example"]
        record = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\xc0\0\2\1" if found and is_four else b""
        code = b"\x81\x80" if found else b"\x81\x83"
        counts = b"\0\1" + (b"\0\1" if record else b"\0\0") + b"\0\0\0\0"
        server.sendto(query[:2] + code + counts + question + record, peer)


for address in sys.argv[1:]:
    threading.Thread(target=serve, args=(address,), daemon=True).start()
print("ready", flush=True)
threading.Event().wait()
