"""The manifest that fcc puts into a PTX (docs/manifest.md)."""
import json
import re


def manifest(ptx):
    """Of the text of a PTX, as JSON has it."""
    digits = re.search(r"__fc_manifest\[\d+\] = \{([^}]*)\}", ptx).group(1)
    return json.loads(bytes(int(x) for x in digits.split(",") if int(x)).decode())
