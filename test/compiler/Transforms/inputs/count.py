"""Counts instructions of each entry of a PTX: count.py FILE NAME..."""

import re
import sys

text = open(sys.argv[1]).read()
for name, body in re.findall(r"\.entry ([\w$]+)\((.*?)\n}", text, re.S):
    words = re.findall(r"^\s*(?:@!?%p\d+ )?([a-z][\w.:]*)", body, re.M)
    print(f"{name}: " + ", ".join(f"{words.count(what)} {what}" for what in sys.argv[2:]))
