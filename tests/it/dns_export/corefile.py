"""What a Corefile says of names, by a model of CoreDNS: its grammar and the documented behaviour of the plugins that we write.

CoreDNS itself is in no registry that the tests reach. What the model does not know it refuses, so that nothing is written that
it has not seen.

Usage: corefile.py FILE: reads "NAME TYPE" lines, says "ACTION" for each.
"""
import re
import sys

PLUGINS = {"bind", "errors", "reload", "health", "ready", "template", "cache", "forward"}


def tokens(text):
    """Caddyfile tokens: (line, token, quoted); words, strings in double quotes, comments from a # that begins a word."""
    for number, line in enumerate(text.split("\n"), 1):
        at = 0
        while at < len(line):
            if line[at].isspace():
                at += 1
            elif line[at] == "#":
                break
            elif line[at] == '"':
                word, at = "", at + 1
                while line[at] != '"':
                    if line[at] == "\\" and line[at + 1] == '"':
                        at += 1
                    word, at = word + line[at], at + 1
                at += 1
                yield number, word, True
            else:
                word = re.match(r"\S+", line[at:]).group()
                at += len(word)
                yield number, word, False


class Parser:
    def __init__(self, text):
        self.all = list(tokens(text))
        self.at = 0

    def peek(self):
        return self.all[self.at] if self.at < len(self.all) else (None, None, False)

    def line(self):
        """The words up to the end of the line; whether it opens a block."""
        number, words = self.peek()[0], []
        while self.peek()[0] == number:
            _, word, quoted = self.all[self.at]
            self.at += 1
            if not quoted and word == "{":
                assert self.peek()[0] != number, f"line {number}: words behind a brace"
                return words, True
            assert quoted or word != "}" or not words, f"line {number}: a brace behind words"
            words.append(word)
        return words, False

    def body(self):
        """The directives of a block: (words, block or None)."""
        found = []
        while True:
            words, opens = self.line()
            assert words, "the file ends in a block"
            if words == ["}"]:
                return found
            found.append((words, self.body() if opens else None))

    def servers(self):
        snippets, servers = {}, []
        while self.peek()[1] is not None:
            keys = []
            while True:
                words, opens = self.line()
                keys += words
                if opens:
                    break
                # The keys go on behind a comma only.
                assert words and words[-1].endswith(","), f"keys without a block: {keys}"
            body = self.body()
            if len(keys) == 1 and re.fullmatch(r"\(\w+\)", keys[0]):
                snippets[keys[0][1:-1]] = body
                continue
            whole = []
            for words, block in body:
                whole += snippets[words[1]] if words[0] == "import" else [(words, block)]
            servers.append(([key.rstrip(",") for key in keys], whole))
        return servers


def zone(key):
    name, port = key.rsplit(":", 1)
    assert port.isdigit(), key
    return name.lower().rstrip(".")


def is_below(name, domain):
    return domain == "" or name == domain or name.endswith("." + domain)


def check(servers):
    seen = set()
    for keys, body in servers:
        for key in keys:
            assert key not in seen, f"{key} twice"
            seen.add(key)
        for words, block in body:
            assert words[0] in PLUGINS, words
            inside = {line[0] for line, _ in block or []}
            allowed = {
                "template": {"match", "rcode", "authority", "answer", "fallthrough"},
                "cache": {"success", "denial"},
                "forward": {"policy"},
            }
            assert inside <= allowed.get(words[0], set()), (words, inside)
            if words[0] == "forward":
                assert words[1] == "." and len(words) > 2, words
                for place in words[2:]:
                    assert re.fullmatch(r"([0-9.]+|\[[0-9a-f:]+\]):[0-9]+", place), place
            if words[0] == "template":
                assert words[1] in ("ANY", "IN") and words[2] in ("ANY", "A", "AAAA", "PTR"), words


def decide(servers, asked, kind):
    name = asked.lower().rstrip(".")
    # The server block with the longest zone.
    fitting = [(len(zone(key)), body) for keys, body in servers for key in keys if is_below(name, zone(key))]
    _, body = max(fitting, key=lambda pair: pair[0])
    for words, block in body:
        if words[0] != "template":
            continue
        _, _, wanted, *zones = words
        lines = {line[0]: line[1:] for line, _ in block}
        if wanted not in ("ANY", kind) or zones and not any(is_below(name, one) for one in zones):
            continue
        # The plugin matches the name in lower case with its dot.
        if not re.search(lines.get("match", [".*"])[0], name + "."):
            if "fallthrough" in lines:
                continue
            return "servfail"
        if "answer" in lines:
            (record,) = lines["answer"]
            owner, ttl, cls, type_, data = record.replace("{{ .Name }}", name + ".").split()
            assert (owner, ttl, cls, type_) == (name + ".", "10", "IN", kind), record
            assert data in ("127.0.0.1", "::1", "localhost."), record
            return "localhost"
        (authority,) = lines["authority"]
        assert authority == ". 10 IN SOA . . 1 3600 600 86400 10", authority
        return {"NXDOMAIN": "blocked", "NOERROR": "empty"}[lines["rcode"][0]]
    return "forwarded" if any(words[0] == "forward" for words, _ in body) else "refused"


def main():
    with open(sys.argv[1], encoding="ascii") as file:
        servers = Parser(file.read()).servers()
    check(servers)
    for line in sys.stdin:
        print(decide(servers, *line.split()))


main()
