"""What the figures were taken on and with: processor, versions, and the measuring programs, built on demand."""
import os
import pathlib
import platform
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH = ROOT / "bench"
FEATURES = ("avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16", "amx_int8",
            "asimd", "asimddp", "bf16", "sve")


def _cpuinfo():
    found = {}
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as text:
        for line in text:
            key, _, value = line.partition(":")
            found.setdefault(key.strip(), value.strip())
    return found


def _output(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        return done.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def features():
    info = _cpuinfo()
    flags = (info.get("flags") or info.get("Features") or "").split()
    return [name for name in FEATURES if name in flags]


def describe():
    info = _cpuinfo()
    with open("/proc/loadavg", encoding="ascii") as text:
        load = float(text.read().split()[0])
    return {"cpu": info.get("model name", platform.processor() or "unknown"), "features": features(),
            "cores": len(os.sched_getaffinity(0)), "kernel": platform.release(), "load_before": load,
            "compiler": _output("cc", "--version").split("\n")[0],
            "revision": _output("git", "describe", "--always", "--dirty", "--exclude=*")}


def openblas_core():
    """The core type that OpenBLAS 0.3.21 should be told: it does not know newer processors by itself."""
    have = features()
    if "avx512_bf16" in have:
        return "Cooperlake"
    if "avx512f" in have:
        return "SkylakeX"
    if "avx2" in have:
        return "Zen" if "AMD" in _cpuinfo().get("vendor_id", "") else "Haswell"
    return None


def python():
    """The interpreter with the pinned peers, else the system's."""
    own = ROOT / "build" / "bench-env" / "bin" / "python"
    return str(own) if own.exists() else shutil.which("python3", path="/usr/bin:" + os.environ.get("PATH", ""))


def build_programs(build, out):
    """Compiles bench/*.c against the library in `build` into `out`; what went wrong, by name."""
    out.mkdir(parents=True, exist_ok=True)
    library = [f"-I{ROOT / 'include'}", f"-L{build}", "-lopenruntime", f"-Wl,-rpath,{build}", "-lm"]
    wanted = {"ours": library, "overhead": library, "submit": library, "spawn": [], "onednn_matmul": ["-ldnnl", "-lm"],
              "fftw_fft": ["-lfftw3f_threads", "-lfftw3f", "-lm"]}
    problems = {}
    for name, libraries in wanted.items():
        command = ["cc", "-std=c17", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", f"-I{BENCH}", str(BENCH / f"{name}.c"),
                   "-o", str(out / name), *libraries]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            problems[name] = done.stderr.strip().split("\n")[-1]
    for name in ("ours", "overhead", "submit", "spawn"):
        if name in problems:
            raise SystemExit(f"bench/{name}.c: {problems[name]}")
    return problems
