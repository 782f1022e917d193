"""The other side of a probe, inside a network namespace that a test has made.

Each argument is a server: `KIND ADDRESS PORT WORDS…`, parted by blanks. The first argument is a file that comes into being
when all of them listen.
"""

import socket
import ssl
import sys
import threading


def listener(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, int(port)))
    server.listen(64)
    return server


def serve(server, answer):
    def one(peer):
        try:
            answer(peer)
        except OSError:
            pass
        finally:
            peer.close()

    def loop():
        while True:
            threading.Thread(target=one, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()


def head(peer):
    text = b""
    while not text.endswith(b"\r\n\r\n"):
        byte = peer.recv(1)
        if not byte:
            raise OSError("no request")
        text += byte
    return text.decode()


def tls_context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def tls(address, port, certificate):
    """A TLS server with this certificate."""
    context = tls_context(certificate)

    def answer(peer):
        with context.wrap_socket(peer, server_side=True) as safe:
            safe.recv(1)

    serve(listener(address, port), answer)


def http(address, port, status, *body):
    """Every request gets this status and body; what is none, too."""
    body = " ".join(body).encode()

    def answer(peer):
        if peer.recv(1, socket.MSG_PEEK) == b"G":
            head(peer)
        else:
            peer.recv(65536)
        peer.sendall(f"HTTP/1.1 {status} X\r\nLocation: http://portal.local/\r\n\r\n".encode() + body)

    serve(listener(address, port), answer)


def silent(address, port):
    """Takes connections and says nothing."""
    serve(listener(address, port), lambda peer: threading.Event().wait())


def close(address, port):
    """Takes connections and closes them."""
    serve(listener(address, port), lambda peer: None)


def proxy(address, port, status, to="", wanted="", certificate=""):
    """Answers CONNECT with this status. With 200 it leads to 127.0.0.1:TO, or closes; WANTED is its password's header.

    With a certificate it speaks TLS itself, and WANTED is what must not come.
    """
    context = tls_context(certificate) if certificate else None

    def answer(peer):
        if context:
            with context.wrap_socket(peer, server_side=True) as safe:
                speak(safe)
        else:
            speak(peer)

    def speak(peer):
        request = head(peer)
        is_known = f"\r\nProxy-Authorization: Basic {wanted}\r\n" in request
        code = "407" if wanted and is_known == bool(context) else status
        peer.sendall(f"HTTP/1.1 {code} X\r\n\r\n".encode())
        if code != "200" or not to:
            return
        if not request.startswith("CONNECT "):
            raise OSError("no tunnel is asked for")
        beyond = socket.create_connection(("127.0.0.1", int(to)))

        def copy(source, sink):
            try:
                while some := source.recv(65536):
                    sink.sendall(some)
            except OSError:
                pass

        threading.Thread(target=copy, args=(beyond, peer), daemon=True).start()
        copy(peer, beyond)

    serve(listener(address, port), answer)


def dns(address, port, *names):
    """A name server: NAME=ADDRESS (IPv4) is known, the other names are not there; `nobody=` alone knows none."""
    known = dict(name.split("=") for name in names)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, int(port)))

    def loop():
        while True:
            query, peer = server.recvfrom(512)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1 : at + 1 + query[at]].decode())
                at += 1 + query[at]
            found = known.get(".".join(labels))
            is_four = query[at + 2] == 1
            record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(found) if found and is_four else b""
            code = b"\x81\x80" if found else b"\x81\x83"
            counts = b"\0\1" + (b"\0\1" if record else b"\0\0") + b"\0\0\0\0"
            server.sendto(query[:2] + code + counts + query[12:] + record, peer)

    threading.Thread(target=loop, daemon=True).start()


def main():
    ready, *servers = sys.argv[1:]
    for kind, *words in (text.split() for text in servers):
        {"tls": tls, "http": http, "silent": silent, "close": close, "proxy": proxy, "dns": dns}[kind](*words)
    with open(ready, "w", encoding="ascii"):
        pass
    threading.Event().wait()


main()
