"""check_json.py FILE.json explain.md: every field is documented, counts add up."""
import json
import re
import sys

explained = json.load(open(sys.argv[1]))
text = open(sys.argv[2]).read()
documented = set(re.findall(r"`([a-z_]+)`", text))
# Parts of a quote and of an item, told in prose.
documented |= {"text", "line", "file", "amount", "what"}


def check(value, path):
    if isinstance(value, dict):
        for name, inner in value.items():
            assert name in documented, f"{path}.{name} is not in explain.md"
            check(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            check(inner, f"{path}[{i}]")


check(explained, "")
assert explained["explain"] == 1
for kernel in explained["kernels"]:
    assert len(kernel["masks"]) == len(kernel["walks"])
    assert kernel["schedule"]["chosen"] and kernel["machine"]["threads"] % 32 == 0
    for counts in kernel["counts"]:
        tiles = counts["row_tiles"] * counts["key_tiles"]
        assert counts["skipped"] + counts["partial"] + counts["full"] == tiles, counts
        if counts["truly_empty"] is not None:
            # Sound: nothing is skipped that holds a key, nothing called full that has a hole.
            assert counts["skipped"] <= counts["truly_empty"], counts
            assert counts["full"] <= counts["truly_full"], counts
            assert counts["flops_needed"] <= counts["flops_walked"] <= counts["flops_all"], counts
