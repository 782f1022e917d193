"""Asks the library: each line of the input is a JSON list of a kind, an id, a revision or null, a file or null. Answers in lines:
the path that it gives, or `- ` and the name of its error."""

import json
import sys

from huggingface_hub import hf_hub_download, snapshot_download

for line in sys.stdin:
    kind, name, revision, file = json.loads(line)
    try:
        if file is None:
            print(snapshot_download(name, repo_type=kind, revision=revision))
        else:
            print(hf_hub_download(name, file, repo_type=kind, revision=revision))
    except Exception as error:
        print("-", type(error).__name__)
