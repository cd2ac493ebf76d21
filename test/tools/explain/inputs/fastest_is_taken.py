"""fastest_is_taken.py FILE.json ITEM...: of what fits the form that is told of is the fastest; each item is in some candidate."""
import json
import sys

(kernel,) = json.load(open(sys.argv[1]))["kernels"]
schedule = kernel["schedule"]
told = schedule["chosen"].replace(" = ", "=").replace(", ", ",")
for each in schedule["candidates"]:
    if each["verdict"] == "slower":
        assert each["relative_time"] >= 1, each
    assert (each["schedule"] == told) <= each["taken"], each
assert [each["relative_time"] for each in schedule["candidates"] if each["schedule"] == told] == [1]
tried = {item for each in schedule["candidates"] for item in each["schedule"].split(",")}
assert not set(sys.argv[2:]) - tried, sorted(tried)
