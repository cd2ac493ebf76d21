"""The bench as a picture: a group of bars a shape, as long as the TFLOP/s; no library needed."""
from xml.sax.saxutils import escape

WIDTH, BAR, LABEL = 760, 16, 240
OURS, PEER = "#1565c0", "#b0bec5"


def title_of(shape):
    return f"B={shape['B']} H={shape['H']} S={shape['S']} D={shape['D']} {shape['type']}{' causal' if shape['causal'] else ''}"


def svg(shapes):
    """The text of an SVG; empty if nothing was timed."""
    groups = []
    for row in shapes:
        bars = sorted(((entry["tflops"], name) for name, entry in row["times"].items() if "tflops" in entry), reverse=True)
        if bars:
            groups.append((title_of(row["shape"]), bars))
    if not groups:
        return ""
    most = max(bars[0][0] for _, bars in groups)
    scale = (WIDTH - LABEL - 70) / most if most else 0
    parts, y = [], 24
    for title, bars in groups:
        parts.append(f'<text x="8" y="{y}" font-weight="bold">{escape(title)}</text>')
        y += 8
        for tflops, name in bars:
            length = max(tflops * scale, 1)
            colour = OURS if name.startswith("flashcore") else PEER
            parts.append(f'<text x="{LABEL - 8}" y="{y + 12}" text-anchor="end">{escape(name)}</text>'
                         f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR - 2}" fill="{colour}"/>'
                         f'<text x="{LABEL + length + 5:.1f}" y="{y + 12}">{tflops:.4g}</text>')
            y += BAR
        y += 28
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" font-family="sans-serif" font-size="12">\n'
            f'<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")
