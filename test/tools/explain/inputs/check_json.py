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
assert explained["explain"] == 3
for kernel in explained["kernels"]:
    assert len(kernel["masks"]) == len(kernel["walks"])
    assert kernel["schedule"]["chosen"] and kernel["machine"]["threads"] % 32 == 0
    schedule = kernel["schedule"]
    names = [form["name"] for form in schedule["forms"]]
    assert schedule["form"] in names and len(set(names)) == len(names), names
    assert schedule["forms"][-1]["condition"] is None and schedule["forms"][-1]["requires"] is None
    times = [each["relative_time"] for each in schedule["candidates"]]
    fitting = [time for time in times if time is not None]
    assert fitting == sorted(fitting) and times[: len(fitting)] == fitting, times
    assert all((each["relative_time"] is None) == (each["ctas_per_sm"] == 0) for each in schedule["candidates"])
    taken = [each for each in schedule["candidates"] if each["taken"]]
    assert any(each["relative_time"] == 1 for each in taken), taken
    for form in schedule["forms"]:
        assert any(each["schedule"] == form["schedule"].replace(" = ", "=").replace(", ", ",") for each in taken), form
    launch = schedule["launch"]
    assert (launch is None) == (kernel["shape"] is None)
    if launch:
        assert launch["busy_sms"] == min(launch["ctas"], launch["sms"])
        assert abs(launch["waves"] * launch["sms"] * launch["ctas_per_sm"] - launch["ctas"]) < 1e-6
        # The first that holds is the one that is told of.
        assert schedule["form"] == next(form["name"] for form in schedule["forms"] if form["holds"])
    for counts in kernel["counts"]:
        tiles = counts["row_tiles"] * counts["key_tiles"]
        assert counts["skipped"] + counts["partial"] + counts["full"] == tiles, counts
        if counts["truly_empty"] is not None:
            # Sound: nothing is skipped that holds a key, nothing called full that has a hole.
            assert counts["skipped"] <= counts["truly_empty"], counts
            assert counts["full"] <= counts["truly_full"], counts
            assert counts["flops_needed"] <= counts["flops_walked"] <= counts["flops_all"], counts
