"""What a new user does wrong: each mistake is one line with its cause and its cure, and has its exit code."""

import os
import shutil
import socket
import sys

from harness import SOURCE, expect, main, need_server, run, scratch
from server_test import certificate, serving


def told(result, code, *words, lines=1):
    """One line on stderr (two of a wrong command line, which names its help) with these words, nothing on stdout."""
    expect(result.code == code, f"exit {result.code}, not {code}: {result.err}")
    expect(all(word in result.err for word in words), f"{words} are not in {result.err!r}")
    expect(len(result.err.strip().splitlines()) <= lines, f"more than {lines} lines: {result.err}")
    expect(not result.out, f"on stdout: {result.out}")
    expect("level=" not in result.err and "Traceback" not in result.err and "/src/" not in result.err, result.err)


def written(folder, name, content):
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(content)
    return path


def a_wrong_command_line_names_the_right_one():
    for words, arguments in (
        (('did you mean "run"?',), ("rum", "-s", "3")),
        (('did you mean "--size"?',), ("run", "--sizze", "3")),
        (('did you mean "--size"?',), ("run", "--sizze=3")),
        (("-s needs a value: -s N",), ("run", "-s")),
        (("takes no value",), ("devices", "--peaks=1")),
        (("must be KEY=VALUE",), ("run", "--set", "x")),
        (("must be NAME=VALUE", "loop_seconds"), ("infer", "data/digits", "--model-limit", "node=1")),
        (("nodes", "whole number"), ("server", "--model-limit", "nodes=none")),
        (("infer needs MODEL",), ("infer",)),
        (("must be NAME=FILE",), ("infer", "digits", "-i", "image")),
        (("whole number from 1 to 4096",), ("--threads", "0", "devices")),
        (("needs a NAME",), ("models", "show")),
        (("must end in .onnx",), ("models", "export", "digits", "x.txt")),
        (("There are: list, show, export",), ("models", "lsit")),
        (("There are: list, compile, run, remove",), ("kernels", "build")),
        (("no name of a kernel", "--name NAME"), ("kernels", "compile", "2x.cu")),
        (("There are: bash, zsh, man",), ("completion", "fish")),
        (("from 0.1 to 60",), ("monitor", "--interval", "0")),
        (("There are: list, create, revoke",), ("keys", "delete")),
        (("needs an ID",), ("keys", "revoke")),
        (("There are: backup FILE, check",), ("store", "fix")),
        (("--url or OPENRUNTIME_URL",), ("tasks",)),
        (("--url or OPENRUNTIME_URL",), ("models", "load", "x")),
        (("needs a server (--url)",), ("run", "--async")),
        (("a port is 1 to 65535",), ("--url", "http://x:0", "devices")),
        (("there are http://HOST:PORT",), ("--url", "ftp://x", "devices")),
    ):
        told(run(*arguments), 2, *words, lines=2)


def a_wrong_field_says_what_it_may_be():
    for words, arguments in (
        (("data.size: is 0; it must be from 1",), ("run", "-s", "0")),
        (("data.size: must be a whole number",), ("run", "-s", "x")),
        (("data.type:", "none of: matrix_multiply"), ("run", "-t", "matmul")),
        (("operation:", "none of: compute"), ("run", "-o", "computing")),
        (("data.dtype:", "none of: float32"), ("run", "--dtype", "fp23")),
        (("data.foo:", "it has: type size"), ("run", "--set", "foo=1")),
        (("data.type:", "none of: compute, memory"), ("benchmark", "-t", "fast")),
        (("from 0.1 to 600 seconds",), ("benchmark", "--duration", "0")),
        (("there are: portable, avx2",), ("--isa", "sse", "devices")),
    ):
        told(run(*arguments), 2, *words)


def a_model_that_can_not_be_loaded_says_why():
    with scratch() as folder:
        with open(os.path.join(SOURCE, "data", "digits", "model.onnx"), "rb") as file:
            model = file.read()
        for words, arguments in (
            (('no model "nosuch"', "openruntime models"), ("infer", "nosuch")),
            (('did you mean "digits"?',), ("infer", "digts", "--models", "data")),
            (("truncated or not an ONNX file",), ("infer", written(folder, "cut.onnx", model[:3000]))),
            (("not an ONNX file",), ("infer", written(folder, "text.onnx", b"hello\n"))),
            (("truncated or not an ONNX file",), ("infer", written(folder, "empty.onnx", b""))),
            (("neither a model.onnx nor folders",), ("verify", folder)),
            (("can't be opened",), ("infer", "data/digits", "--image", f"{folder}/no.png")),
            (("neither a PNG nor a JPEG",), ("infer", "data/digits", "--image", f"{folder}/text.onnx")),
            (('no model "nosuch"',), ("benchmark", "-m", "nosuch", "--duration", "0.1")),
            (('no device "gpu0"', "there are: "), ("devices", "gpu0")),
            (('no device "gpu0"', "there are: "), ("-d", "gpu0", "--strict", "run", "-s", "8")),
            (("the limit here",), ("kernels", "compile", written(folder, "big.cu", b"/" * ((1 << 20) + 1)))),
        ):
            told(run(*arguments), 1, *words)


def a_model_beyond_a_bound_says_which():
    told(run("explain", "data/digits", "--model-limit", "nodes=1"), 1, "more than 1 nodes", "limits.nodes")
    told(run("explain", "data/digits", "--model-limit", "initializer_bytes=100"), 1, "limits.initializer_bytes")


def a_server_that_can_not_start_says_why():
    with scratch() as folder, serving("--data", f"{folder}/data") as (_, port, _):
        for name in ("tls", "other", "corrupt"):
            os.mkdir(f"{folder}/{name}")
        certificate(f"{folder}/tls", "localhost")
        certificate(f"{folder}/other", "localhost")
        written(f"{folder}/corrupt", "openruntime.db", os.urandom(5000))
        plain, tls = written(folder, "plain", b"x"), f"{folder}/tls/cert.pem"
        memory = ("--port", "0", "--data", ":memory:")
        for words, arguments in (
            (("already in use", "another with --port"), ("--port", port, "--data", ":memory:")),
            (("in use by process", "--url"), ("--port", "0", "--data", f"{folder}/data")),
            (("make it writable or choose another with --data",), ("--port", "0", "--data", "/proc/nope")),
            (("Not a directory", "--data"), ("--port", "0", "--data", plain)),
            (("corrupt", "put a backup in its place"), ("--port", "0", "--data", f"{folder}/corrupt")),
            (("not loopback", "openruntime keys create", "--insecure"), (*memory, "--host", "0.0.0.0")),
            (("certificate", "No such file"), (*memory, "--tls-cert", f"{folder}/no", "--tls-key", plain)),
            (("--tls-key FILE",), (*memory, "--tls-cert", tls)),
            (("does not belong to the certificate",),
             (*memory, "--tls-cert", tls, "--tls-key", f"{folder}/other/key.pem")),
            (("it must be a PEM file with the certificate",), (*memory, "--tls-cert", plain, "--tls-key", plain)),
            (("it must be a PEM file with a private key",), (*memory, "--tls-cert", tls, "--tls-key", plain)),
            (("make its folder",), (*memory, "--unix", f"{folder}/no/socket")),
            (("that is no socket",), (*memory, "--unix", plain)),
            (("can't be opened",), (*memory, "--config", f"{folder}/no.conf")),
        ):
            told(run("server", *arguments), 1, *words)
        for words, arguments in (
            (("it must be from 0 to 65535",), ("--port", "80000")),
            (("no such setting; did you mean hosts?",), ("--set", "hotss=x")),
            (("not KEY=VALUE",), ("--set", "port")),
            (("is not off, error",), ("--log-level", "loud")),
            (("is no module; there are",), ("--log-level", "info,nothing=debug")),
        ):
            told(run("server", *arguments), 2, *words)
        for words, arguments in (
            (("in use by process", "--url"), ("keys", "create", "--data", f"{folder}/data")),
            (("no database there", "--data"), ("keys", "list", "--data", f"{folder}/none")),
            (("no database there", "--data"), ("store", "check", "--data", f"{folder}/none")),
            (("corrupt", "backup"), ("store", "check", "--data", f"{folder}/corrupt")),
        ):
            told(run(*arguments), 1, *words)
        told(run("keys", "create", "--data", f"{folder}/new", "--scopes", "x"), 2, "there are read, run")


def a_server_that_can_not_be_asked_says_why():
    with scratch() as folder, serving() as (_, port, _), socket.socket() as unused:
        os.mkdir(f"{folder}/tls")
        certificate(f"{folder}/tls", "localhost")
        unused.bind(("127.0.0.1", 0))
        plain = written(folder, "plain", b"x")
        nobody = unused.getsockname()[1]
        secured = ("--tls-cert", f"{folder}/tls/cert.pem", "--tls-key", f"{folder}/tls/key.pem")
        with serving(*secured) as (_, tls_port, _):
            for command in ("devices", "monitor"):
                for words, url in (
                    (("is one running?", "openruntime server"), f"127.0.0.1:{nobody}"),
                    (("is the name right?",), "no.such.host.invalid:80"),
                    (("there is no such socket", "--unix"), f"unix:{folder}/none"),
                    (("that is no socket",), f"unix:{plain}"),
                    (("does that server speak plain http://?",), f"https://127.0.0.1:{port}"),
                    (("does it speak https://?",), f"http://127.0.0.1:{tls_port}"),
                    (("is not trusted", "--ca FILE"), f"https://127.0.0.1:{tls_port}"),
                ):
                    told(run("--url", url, command), 3, *words)
            told(run("--url", f"https://127.0.0.1:{tls_port}", "--ca", plain, "devices"), 2, "--ca", "no PEM")
        url = ("--url", f"127.0.0.1:{port}")
        told(run("--url", f"127.0.0.1:{port}/prefix", "devices"), 1, "no such path", "is the path in --url right?")
        told(run(*url, "--key-file", f"{folder}/none", "devices"), 1, "--key-file", "can't be opened")
        told(run(*url, "infer", "nosuch"), 1, 'no model "nosuch"', "openruntime models --url")
        told(run(*url, "models", "load", "nosuch"), 1, 'no model "nosuch"')
        told(run(*url, "-d", "gpu0", "benchmark", "-t", "memory"), 1, 'no device "gpu0"')
        told(run(*url, "tasks", "nosuch"), 1, 'no task "nosuch"')
        told(run(*url, "tasks", "--status", "bogus"), 2, "none of: pending, running")
        told(run(*url, "tasks", "--limit", "0"), 2, "limit")
        for arguments in (("verify", "digits"), ("store", "check"), ("run", "--verify"), ("devices", "--peaks"),
                          ("models", "export", "digits", "x.onnx"), ("--strict", "explain", "digits")):
            told(run(*url, *arguments), 2, "openruntime", lines=2)


def settings_that_are_good_are_shown_and_wrong_ones_named():
    with scratch() as folder:
        wrong = written(folder, "wrong.conf", b"port = 99999\nhots = x\nidle_timeout = never\n\n# fine\nno line\n"
                        b"log_level = loud\nmodels = /no/such/folder\n")
        result = run("server", "--check-config", "--config", wrong)
        expect(result.code == 1 and not result.out, f"{result.code} {result.out}")
        for line, words in ((1, "port: 99999 is outside"), (2, "hots: no such setting; did you mean host?"),
                            (3, "idle_timeout:"), (6, "it is not key = value"), (7, "log_level:")):
            expect(f"openruntime: {wrong}:{line}: " in result.err and words in result.err, f"{line}: {result.err}")
        expect('folder "/no/such/folder"' in result.err and len(result.err.splitlines()) == 6, result.err)
        expect(run("server", "--config", wrong).code == 2, "a server does not start with them")
        good = written(folder, "good.conf", b'port = 8123\nhosts = "a.example"\n')
        result = run("server", "--check-config", "--config", good, "--set", "idle_timeout=0.5",
                     env={"OPENRUNTIME_PORT": "8124"})
        expect(result.code == 0 and "port = 8124\n" in result.out and 'hosts = "a.example"\n' in result.out, result.out)
        expect("idle_timeout = 0.5\n" in result.out and "good" in result.err, result.out)
        again = written(folder, "again.conf", result.out.encode())  # what it says is a file that says the same
        expect(run("server", "--check-config", "--config", again).out == result.out, "it is not read as it was written")
        document = run("--json", "server", "--check-config", "--config", good).json()
        expect(document["port"] == 8123 and document["insecure"] is False, document)


if __name__ == "__main__":
    need_server()
    if not shutil.which("openssl"):
        sys.exit("not installed: openssl; tools/setup.sh test")
    main([
        a_wrong_command_line_names_the_right_one,
        a_wrong_field_says_what_it_may_be,
        a_model_that_can_not_be_loaded_says_why,
        a_model_beyond_a_bound_says_which,
        a_server_that_can_not_start_says_why,
        a_server_that_can_not_be_asked_says_why,
        settings_that_are_good_are_shown_and_wrong_ones_named,
    ])
