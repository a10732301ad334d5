"""plot.py -- latency and memory against the number of proxies, as an SVG that needs nothing else."""
from figures import FOLDER

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 260, 70, 20, 40, 45
LINES = (("last_ms", "an endpoint more: ms until the last proxy has it", "#1f6feb"), ("rss_mb", "memory of ursa-cp, MB", "#d29922"))


def ceiling(value):
    """The next of 1, 2, 5, 10, 20, ..."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if factor * step >= value:
                return factor * step
        step *= 10


def panel(points, title, colour, top):
    """One diagram, its upper edge at 'top'; points are (proxies, value)."""
    x_max, y_max = ceiling(max(x for x, _ in points)), ceiling(max(max(y for _, y in points), 1))
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x_of(x):
        return LEFT + width * x / x_max

    def y_of(y):
        return top + TOP + height * (1 - y / y_max)

    out = [f'<text x="{LEFT}" y="{top + 24}" font-weight="bold">{title}</text>']
    for i in range(6):
        y, x = y_max * i / 5, x_max * i / 5
        out.append(f'<line x1="{LEFT}" y1="{y_of(y):.1f}" x2="{WIDTH - RIGHT}" y2="{y_of(y):.1f}" stroke="#d0d7de"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y_of(y) + 4:.1f}" text-anchor="end">{y:g}</text>')
        out.append(f'<text x="{x_of(x):.1f}" y="{top + HEIGHT - BOTTOM + 18}" text-anchor="middle">{x:g}</text>')
    out.append(f'<text x="{WIDTH - RIGHT}" y="{top + HEIGHT - 8}" text-anchor="end">proxies</text>')
    path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in points)
    out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
    for x, y in points:
        out.append(f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3" fill="{colour}"/>')
        out.append(f'<text x="{x_of(x):.1f}" y="{y_of(y) - 8:.1f}" text-anchor="middle">{y:g}</text>')
    return out


def write(series):
    """build/bench/plot.svg; nothing when nothing was measured for it."""
    if not series:
        return
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT * len(LINES)}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT * len(LINES)}" fill="white"/>']
    for i, (key, title, colour) in enumerate(LINES):
        out += panel([(s["proxies"], s[key]) for s in series], f"{title} ({series[0]['services']} services, {series[0]['transport']})", colour, i * HEIGHT)
    (FOLDER / "plot.svg").write_text("\n".join(out + ["</svg>", ""]))
    print(f"\n{FOLDER / 'plot.svg'}: latency and memory against proxies")
