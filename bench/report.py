"""The figures as tables for people."""


def seconds(value):
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-9:.0f} ns"


def rate(row):
    """Operations or bytes a second of ours, and the share of the measured limit."""
    if row.get("rate") is None:
        return "", ""
    text = f"{row['rate'] / 1e9:.1f} {row['rate_unit']}"
    return text, f"{100 * row['share']:.0f} %" if row.get("share") else ""


def table(header, lines):
    widths = [max(len(str(line[i])) for line in [header, *lines]) for i in range(len(header))]
    for line in [header, *lines]:
        cells = [str(cell).ljust(width) if i == 0 else str(cell).rjust(width)
                 for i, (cell, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())
    print()


def progress(row):
    ratio = f"{row['ratio']:.3f} of {row['best_peer']}" if row.get("ratio") else "no peer"
    print(f"{row['name']}, {row['threads']} thread(s): {ratio}", *row["void"], sep="; ", flush=True)


def speed(rows):
    lines = []
    for row in rows:
        if "seconds" not in row:
            lines.append([row["name"], row["threads"], *[""] * 6, "void: " + "; ".join(row["void"])])
            continue
        mine, best, ratio = row["seconds"]["ours"], row["best_peer"], row["ratio"]
        paired = row.get("ratio_of_rounds")
        lines.append([
            row["name"], row["threads"], seconds(mine["median"]), f"{seconds(mine['p10'])} .. {seconds(mine['p90'])}",
            *rate(row), f"{ratio:.3f}" if best else "-",
            f"{paired['p10']:.2f} .. {paired['p90']:.2f}" if best else "-",
            ", ".join(f"{name} {seconds(figure['median'])}" for name, figure in row["seconds"].items()
                      if name != "ours")])
    table(["work", "threads", "ours", "p10 .. p90", "rate", "of limit", "ours/best", "p10 .. p90", "peers"], lines)


def loads(items):
    lines = []
    for item in items:
        if "void" in item:
            lines.append([item["name"], item["threads"], *[""] * 6, "void: " + item["void"]])
            continue
        mine, theirs, ratio = item["figures"]["ours"], item["figures"]["onnxruntime"], item["ratio"]
        mib = lambda figure, key: f"{figure[key]['median'] / (1 << 20):.0f} MiB"  # noqa: E731
        lines.append([item["name"], item["threads"], seconds(mine["seconds"]["median"]),
                      seconds(theirs["seconds"]["median"]), f"{ratio['seconds']:.2f}: {item['verdicts']['load']}",
                      mib(mine, "added_bytes"), mib(theirs, "added_bytes"),
                      f"{ratio['added_bytes']:.2f}: {item['verdicts']['peak']}",
                      f"{mib(mine, 'peak_bytes')}, {mib(theirs, 'peak_bytes')}"])
    table(["load to first answer", "threads", "ours", "ONNX Runtime", "<= 0.6", "memory added", "ONNX Runtime", "<= 1",
           "whole processes at peak"], lines)


def overheads(items):
    table(["runtime's own time a node", "threads", "cores", "median", "p10 .. p90", "run", "sum of nodes", "< 5 us"],
          [[f"digits, {item['nodes']} nodes", item["threads"], item["cores"],
            f"{item['overhead_us_per_node']['median']:.2f} us",
            f"{item['overhead_us_per_node']['p10']:.2f} .. {item['overhead_us_per_node']['p90']:.2f}",
            f"{item['run_us']:.1f} us", f"{item['node_sum_us']:.1f} us", item["verdict"]] for item in items])


def footprint(rows):
    table(["footprint", "median", "p10 .. p90", "target"],
          [[row["name"], f"{row['median']:.2f} {row['unit']}", f"{row['p10']:.2f} .. {row['p90']:.2f}",
            "" if row["target"] is None else f"< {row['target']:g}: {row['verdict']}"] for row in rows])


def head(machine, versions, limits):
    print(f"{machine['cpu']}, {machine['cores']} cores, {' '.join(machine['features'])}; load {machine['load_before']}")
    if machine["load_before"] > 0.25 * machine["cores"]:
        print("THE MACHINE WAS BUSY BEFORE THIS RUN: figures are no measurement")
    print(f"revision {machine['revision']}; {machine['compiler']}")
    for name, version in versions.items():
        print(f"  {name}: {version}")
    for threads, limit in limits.items():
        fp32, fp64, read, copy = (f"{limit[name] / 1e9:.1f}" for name in ("fp32", "fp64", "read", "copy"))
        print(f"  limits, {threads} thread(s): {fp32} GFLOP/s fp32, {fp64} fp64; {read} GB/s read, {copy} copy")
    print()
