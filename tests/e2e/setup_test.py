"""tools/setup.sh on the systems that it names: what it would have apt-get install there, and that it is silent once all
is there. dpkg-query and apt-get are stand-ins; the names are those of the archives of Debian 12 and Ubuntu 24.04."""

import os
import shutil
import subprocess
import sys

from harness import SOURCE, expect, main, scratch

BUILD = set("ca-certificates gcc libc6-dev make cmake ninja-build pkg-config libdnnl-dev libpng-dev libjpeg-dev "
            "libcurl4-openssl-dev libhwloc-dev libsqlite3-dev libuv1-dev libssl-dev curl".split())
TEST = set("g++ libcmocka-dev libjansson-dev libonnx-testdata python3 python3-numpy python3-httpx python3-websockets "
           "openssl wrk ocl-icd-libopencl1 pocl-opencl-icd".split())
CI = set("clang clang-tidy clang-format cppcheck gcovr shellcheck binutils systemd python3-venv espeak-ng "
         "opencl-headers".split())
SYSTEMS = {"debian-12": {"libclang-rt-14-dev", "chromium"},
           "ubuntu-24.04": {"libclang-rt-18-dev"}}  # chromium is no package there, but a snap


def setup(folder, system, words, installed=()):
    """Its exit code, what it said, and the packages that apt-get was to install; None: it was not asked."""
    name, _, version = system.partition("-")
    with open(os.path.join(folder, "os-release"), "w", encoding="ascii") as file:
        file.write(f'NAME="{name}"\nID={name}\nVERSION_ID="{version}"\n')
    with open(os.path.join(folder, "states"), "w", encoding="ascii") as file:
        file.writelines(f"{package} installed\n" for package in installed)
    asked = os.path.join(folder, "asked")
    stand_ins = {"dpkg-query": f'cat "{folder}/states"', "apt-get": f'echo "$@" >>"{asked}"', "promtool": "",
                 "sudo": '"$@"'}
    for command, line in stand_ins.items():
        with open(os.path.join(folder, command), "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\n{line}\n")
        os.chmod(file.name, 0o755)
    if os.path.exists(asked):
        os.remove(asked)
    done = subprocess.run([os.path.join(SOURCE, "tools", "setup.sh"), *words], capture_output=True, text=True,
                          check=False, env={"PATH": f"{folder}:{os.environ['PATH']}", "HOME": folder,
                                            "OPENRUNTIME_OS_RELEASE": os.path.join(folder, "os-release")})
    if not os.path.exists(asked):
        return done, None
    with open(asked, encoding="ascii") as file:
        lines = [line.split() for line in file if " install " in f" {line} "]
    return done, {word for line in lines for word in line[1:] if not word.startswith("-")}


def asks_for_what_is_missing_by_the_names_of_the_system():
    with scratch() as folder:
        for system, own in SYSTEMS.items():
            for words, wanted in ((("build",), BUILD), (("test",), BUILD | TEST), (("ci",), BUILD | TEST | CI | own)):
                done, asked = setup(folder, system, words)
                expect(done.returncode == 0 and asked == wanted, f"{system} {words}: {asked ^ wanted} {done.stderr}")
                done, asked = setup(folder, system, words, sorted(wanted - {"cmake"}))
                expect(asked == {"cmake"} and "Installing cmake" in done.stderr, f"{system} {words}: {asked}")


def is_silent_when_nothing_is_missing():
    with scratch() as folder:
        for system, own in SYSTEMS.items():
            for words in (("build",), ("ci",), ("ci", "--no-install")):
                done, asked = setup(folder, system, words, BUILD | TEST | CI | own)
                expect(done.returncode == 0 and asked is None and not done.stdout + done.stderr, f"{words}: {done}")


def names_what_is_missing_where_it_may_not_install():
    with scratch() as folder:
        for system in SYSTEMS:
            done, asked = setup(folder, system, ("build", "--no-install"), BUILD - {"ninja-build"})
            expect(done.returncode == 0 and asked is None and "Not installed: ninja-build" in done.stderr, done)


if __name__ == "__main__":
    if not sys.platform.startswith("linux") or not shutil.which("bash"):
        print("skipped: packages of Debian and its kin")
        sys.exit(0)
    main([asks_for_what_is_missing_by_the_names_of_the_system, is_silent_when_nothing_is_missing,
          names_what_is_missing_where_it_may_not_install])
