"""The command line as its users meet it: output, JSON, exit codes, errors that name the cause and the cure."""

import json
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import expect, run

DIGITS = "data/digits"
SAMPLE = "data/digits/samples/7-1.png"
BUILT_IN = ["resnet50", "mobilenet-v2", "bert-base", "gpt2"]


def recognises_every_sample_as_its_card_says():
    with open(os.path.join(harness.SOURCE, DIGITS, "expected.json"), encoding="utf-8") as file:
        card = json.load(file)
    for sample in card["samples"]:
        result = run("--json", "infer", DIGITS, "--image", os.path.join(DIGITS, sample["file"]))
        expect(result.code == 0, result.err)
        answer = result.json()["result"]
        expect(answer["predictions"][0][0]["label"] == sample["label"], f"{sample['file']}: {answer['predictions']}")
        got = answer["outputs"][card["output"]]["data"]
        worst = max(abs(a - b) for a, b in zip(got, sample["probabilities"], strict=True))
        expect(worst <= sample["tolerance"], f"{sample['file']}: off by {worst}")


def every_command_prints_one_json_document():
    for arguments in (
        ["status"],
        ["devices"],
        ["devices", "cpu_0"],
        ["version"],
        ["help"],
        ["help", "run"],
        ["models", "--models", "data"],
        ["models", "show", DIGITS],
        ["models", "show", "gpt2"],
        ["infer", DIGITS, "--image", SAMPLE],
        ["explain", DIGITS],
        ["verify", DIGITS],
        ["run", "-s", "64"],
        ["run", "-t", "vector_operations", "-s", "1000"],
        ["completion", "bash"],
        ["benchmark", "-t", "compute", "-s", "64", "--dtypes", "float32", "--duration", "0.5"],
        ["benchmark", "-t", "memory", "-s", "64", "--duration", "0.5"],
        ["benchmark", "-t", "ml", "-m", DIGITS, "--duration", "0.5"],
    ):
        result = run("--json", *arguments)
        expect(result.code == 0, f"{arguments}: exit {result.code}: {result.err}")
        json.loads(result.out)
    for arguments in (
        ["tasks"],
        ["run", "-o", "kernel"],
        ["benchmark", "-t", "ml", "-m", "no-such-model"],
        ["nonsense"],
        ["infer", "no-such-model"],
    ):
        result = run("--json", *arguments)
        expect(result.code != 0, f"{arguments}: exit 0")
        expect("detail" in result.json() or "error" in result.json(), f"{arguments}: {result.out}")


def a_device_has_the_fields_of_the_api():
    devices = run("--json", "devices").json()["devices"]
    expect(devices, "no device")
    for field in (
        "id",
        "hardware_id",
        "name",
        "type",
        "memory_total",
        "memory_available",
        "compute_units",
        "is_available",
        "capabilities",
        "driver_version",
        "compute_capability",
        "current_metrics",
    ):
        expect(field in devices[0], f"no {field}")
    expect(devices[0]["id"] == "cpu_0" and devices[0]["type"] == "cpu", str(devices[0]))


def a_task_response_has_the_fields_of_the_api():
    answer = run("--json", "run", "-s", "64").json()
    for field in (
        "task_id",
        "status",
        "result",
        "metrics",
        "error",
        "error_code",
        "attempts",
        "execution_time",
        "device_used",
        "fallback_reason",
        "created_at",
        "started_at",
        "finished_at",
    ):
        expect(field in answer, f"no {field}")
    for field in ("operation", "size", "dtype", "result_shape", "throughput", "gflops", "execution_time", "device"):
        expect(field in answer["result"], f"no result.{field}")
    expect(answer["status"] == "completed" and answer["result"]["result_shape"] == [64, 64], str(answer))


def computes_what_it_is_given():
    a = '{"shape":[2,2],"dtype":"float32","data":[[1,2],[3,4]]}'
    b = '{"shape":[2,2],"dtype":"float32","data":[5,6,7,8]}'
    answer = run("--json", "run", "--set", f"a={a}", "--set", f"b={b}").json()
    expect(answer["result"]["outputs"]["result"]["data"] == [19, 22, 43, 50], str(answer["result"]))


def every_type_agrees_with_its_reference():
    for kind in ("matrix_multiply", "vector_operations", "elementwise", "reduce", "softmax", "transpose"):
        for dtype in ("float32", "float64", "bfloat16"):
            result = run("run", "-t", kind, "-s", "129", "--dtype", dtype, "--iterations", "1", "--verify")
            expect(result.code == 0 and "agrees" in result.out, f"{kind} {dtype}: {result.out}{result.err}")
    result = run("run", "-s", "65", "--dtype", "int8", "--iterations", "1", "--verify")
    expect(result.code == 0, f"int8: {result.err}")


def transforms_agree_with_their_reference():
    for size, dtype, fields in (
        (1009, "float32", ()),
        (4096, "float64", ("inverse=true",)),
        (129, "float32", ("real=true", "inverse=true", "norm=ortho")),
        (97, "float64", ("dims=2", "real=true")),
        (1, "float32", ("dims=2",)),
    ):
        arguments = [word for field in fields for word in ("--set", field)]
        arguments += ["-s", str(size), "--dtype", dtype, "-b", "3", "--iterations", "1"]
        result = run("run", "-t", "fft", "--verify", *arguments)
        expect(result.code == 0 and "agrees" in result.out, f"{arguments}: {result.out}{result.err}")


def transforms_what_it_is_given():
    import numpy

    x = [1, 2.5, -3, 0.5, 4, -1.25]
    tensor = json.dumps({"shape": [6], "dtype": "float64", "data": x})
    answer = run("--json", "run", "-t", "fft", "--set", f"a={tensor}").json()["result"]
    pairs = numpy.array(answer["outputs"]["result"]["data"])
    expect(answer["operation"] == "fft" and answer["size"] == 6 and answer["device"] == "cpu_0", str(answer))
    expect(numpy.allclose(pairs[:, 0] + 1j * pairs[:, 1], numpy.fft.rfft(x), 1e-13, 1e-13), str(pairs))
    tensor = json.dumps({"shape": [2, 3], "dtype": "complex64", "data": [[v, -v] for v in x]})
    answer = run("--json", "run", "-t", "fft", "--set", f"a={tensor}", "--set", "dims=2", "--set", "inverse=1").json()
    pairs = numpy.array(answer["result"]["outputs"]["result"]["data"]).reshape(2, 3, 2)
    expected = numpy.fft.ifft2(numpy.array(x).reshape(2, 3) * (1 - 1j))
    expect(numpy.allclose(pairs[..., 0] + 1j * pairs[..., 1], expected, 1e-5, 1e-6), str(pairs))
    result = run("run", "-t", "fft", "--set", 'a={"shape":[0],"data":[]}')
    expect(result.code == 2 and "length 0" in result.err, result.err)


def convolutions_agree_with_their_reference():
    for dtype, fields in (
        ("float32", ("filters=5", "kernel=1")),
        ("bfloat16", ("kernel=5", "stride=2", "padding=0")),
        ("float64", ("channels=6", "groups=3")),
    ):
        arguments = [word for field in fields for word in ("--set", field)]
        arguments += ["-s", "19", "--dtype", dtype, "--iterations", "1"]
        result = run("run", "-t", "convolution", "--verify", *arguments)
        expect(result.code == 0 and "agrees" in result.out, f"{arguments}: {result.out}{result.err}")
    a = '{"shape":[1,1,3,3],"data":[1,2,3,4,5,6,7,8,9]}'
    b = '{"shape":[1,1,3,3],"data":[0,0,0,0,1,0,0,0,1]}'
    answer = run("--json", "run", "-t", "convolution", "--set", f"a={a}", "--set", f"b={b}").json()["result"]
    expect(answer["outputs"]["result"]["data"] == [6, 8, 3, 12, 14, 6, 7, 8, 9], str(answer))


def a_neural_network_falls_back_visibly_where_there_is_no_mlx_device():
    sizes = ("--set", "input_size=33", "--set", "hidden_size=65", "--set", "output_size=17", "-b", "5")
    for operation in ("mlx_compute", "compute"):
        answer = run("--json", "run", "-o", operation, "-t", "neural_network", "--verify", *sizes).json()
        result = answer["result"]
        expect(result["operation"] == "neural_network" and result["output_shape"] == [5, 17], str(result))
        expect([result[f"{name}_size"] for name in ("input", "hidden", "output")] == [33, 65, 17], str(result))
        expect(result["device"] == "cpu_0" and result["execution_time"] > 0, str(result))
        expect(result["verification"]["passed"], str(result))
        expect((answer["fallback_reason"] is not None) == (operation == "mlx_compute"), str(answer))
    result = run("run", "-o", "mlx_compute", "-t", "neural_network", *sizes)
    expect(result.code == 0 and "33-65-17" in result.out, result.out)


def the_same_seed_gives_the_same_numbers():
    with harness.scratch() as folder:
        import numpy

        files = []
        for name in ("a", "b"):
            out = os.path.join(folder, name)
            expect(run("infer", DIGITS, "--image", SAMPLE, "--output", out).code == 0, "infer failed")
            files.append(numpy.load(os.path.join(out, "probabilities.npy")))
        expect((files[0] == files[1]).all() and files[0].shape == (1, 10), "not the same")


def writes_the_outputs_of_generated_inputs_too():
    with harness.scratch() as folder:
        result = run("infer", DIGITS, "--output", folder)
        expect(result.code == 0 and os.listdir(folder) == ["probabilities.npy"], f"{os.listdir(folder)} {result.err}")


def reads_tensors_from_npy_pb_and_json():
    import numpy

    with harness.scratch() as folder:
        data = os.path.join(harness.SOURCE, DIGITS, "test_data_set_0")
        _, image = harness.read_tensor(os.path.join(data, "input_0.pb"))
        _, want = harness.read_tensor(os.path.join(data, "output_0.pb"))
        npy, text = os.path.join(folder, "x.npy"), os.path.join(folder, "x.json")
        numpy.save(npy, image)
        with open(text, "w", encoding="utf-8") as file:
            json.dump({"shape": list(image.shape), "dtype": "float32", "data": image.tolist()}, file)
        for path in (npy, text, os.path.join(data, "input_0.pb")):
            out = os.path.join(folder, "out")
            result = run("infer", DIGITS, "--input", f"image={path}", "--output", out)
            expect(result.code == 0, f"{path}: {result.err}")
            got = numpy.load(os.path.join(out, "probabilities.npy"))
            expect(numpy.abs(got - want).max() < 1e-4, f"{path}: {numpy.abs(got - want).max()}")


def wrong_command_lines_exit_2_with_the_nearest_spelling():
    for arguments, word in (
        (["devises"], "devices"),
        (["run", "--sise", "3"], "--size"),
        (["--jsn", "devices"], "--json"),
    ):
        result = run(*arguments)
        expect(result.code == 2 and word in result.err, f"{arguments}: {result.code} {result.err}")
    for arguments in (
        ["run", "-s", "ten"],
        ["run", "--set", "novalue"],
        ["infer"],
        ["devices", "a", "b"],
        ["run", "-t", "matrix"],
        ["run", "-s", "0"],
        ["run", "-s"],
        ["verify", DIGITS, "--rtol", "x"],
    ):
        result = run(*arguments)
        expect(result.code == 2, f"{arguments}: exit {result.code}: {result.err}")
        expect(result.err.strip() and not result.out.strip(), f"{arguments}: {result.out}")


def failures_exit_1_and_name_the_culprit():
    with harness.scratch() as folder:
        truncated, lies, text = (os.path.join(folder, name) for name in ("t.onnx", "lies.png", "x.npy"))
        with open(os.path.join(harness.SOURCE, DIGITS, "model.onnx"), "rb") as file:
            model = file.read()
        with open(truncated, "wb") as file:
            file.write(model[: len(model) // 2])
        with open(lies, "wb") as file:
            file.write(
                b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02\0\0\0" + b"\0" * 64
            )
        with open(text, "w", encoding="utf-8") as file:
            file.write("not an array")
        for arguments, word in (
            (["infer", truncated], "t.onnx"),
            (["infer", DIGITS, "--image", lies], "PNG"),
            (["infer", DIGITS, "--image", "README.md"], "PNG"),
            (["infer", DIGITS, "--input", f"image={text}"], "x.npy"),
            (["infer", DIGITS, "--input", f"picture={text}"], "picture"),
            (["infer", "no-such-model"], "no-such-model"),
            (["devices", "cuda_9"], "cpu_0"),
            (["--device", "cuda_9", "--strict", "run", "-s", "8"], "cuda_9"),
            (["run", "-s", "1000000000"], "bytes"),
            (["verify", folder], folder),
        ):
            result = run(*arguments)
            expect(result.code == 1, f"{arguments}: exit {result.code}: {result.out}{result.err}")
            expect(word in result.err, f"{arguments}: {result.err}")


def what_belongs_to_later_versions_says_so_in_one_line():
    for arguments in (
        ["generate", "gpt2", "--text", "hello", "--max-tokens", "3"],
        ["models", "pull", "x"],
    ):
        result = run(*arguments)
        expect(result.code == 1, f"{arguments}: exit {result.code}")
        expect(len(result.err.strip().splitlines()) == 1 and not result.out, f"{arguments}: {result.err}")


def kernels_need_a_device_that_compiles_them():
    expect(run("--json", "kernels").json() == {"kernels": []}, "list")
    expect(run("kernels", "list").code == 0, "list")
    with harness.scratch() as folder:
        path = os.path.join(folder, "saxpy.cl")
        with open(path, "w", encoding="ascii") as file:
            file.write("kernel void saxpy(void) {}")
        for arguments, words in ((["kernels", "compile", path], "compile"),
                                 (["kernels", "compile", os.path.join(folder, "none.cl")], "none.cl"),
                                 (["kernels", "remove", "x"], "no kernel"),
                                 (["kernels", "run", "x", "--grid", "1"], "no kernel"),
                                 (["kernels", "run", path, "--grid", "1"], "compile")):
            result = run(*arguments)
            expect(result.code == 1 and words in result.err, f"{arguments}: exit {result.code}: {result.err}")
    for arguments in (["kernels", "compile"], ["kernels", "list", "x"], ["kernels", "fly"], ["kernels", "run"],
                      ["kernels", "run", "x"], ["kernels", "remove", "x", "--grid", "1"]):
        expect(run(*arguments).code == 2, str(arguments))
    for action in ("load", "unload"):
        result = run("models", action, "gpt2")
        expect(result.code == 2 and "--url" in result.err, result.err)


def a_benchmark_of_networks_has_the_fields_of_the_contract():
    whole = run("--json", "benchmark", "-m", DIGITS, "-m", "mobilenet-v2", "-b", "2", "--duration", "1").json()
    rows = whole["results"]["ml"]
    expect([row["model"] for row in rows] == ["digits", "mobilenet-v2"], str(rows))
    for row in rows:
        wanted = {"model", "batch_size", "precision", "latency_ms", "p90_ms", "p99_ms", "throughput_fps", "runs"}
        expect(wanted <= set(row) and row["batch_size"] == 2 and row["precision"] == "float32", str(row))
        expect(0 < row["latency_ms"] <= row["p90_ms"] <= row["p99_ms"] and row["runs"] >= 1, str(row))
    expect([row["weights"] for row in rows] == ["file", "synthetic"], str(rows))
    expect("machine" in whole and list(whole["results"]) == ["ml"], str(whole))
    arguments = ("--duration", "0.5", "--scenario")
    offline = run("--json", "benchmark", "-m", DIGITS, *arguments, "offline").json()["results"]["ml"][0]
    expect(offline["in_flight"] in (1, 2, 4, 8), str(offline))
    server = run("--json", "benchmark", "-m", DIGITS, *arguments, "server", "--qps", "50").json()["results"]["ml"][0]
    expect(server["arrived"] >= server["runs"] > 0 and "queue_grows" in server, str(server))
    result = run("benchmark", "-m", DIGITS, *arguments, "server")
    expect(result.code == 2 and "qps" in result.err, result.err)


def the_nodes_of_resnet50_are_the_flops_of_its_paper():
    """4.09 billion multiply-adds (K. He et al.; the form with the stride in the 3x3: 4.11)."""
    explained = run("--json", "explain", "resnet50", "--no-profile").json()
    flops = sum(node["flops"] for node in explained["nodes"])
    expect(abs(flops / 2 / 4.1e9 - 1) < 0.02, str(flops))
    expect(abs(explained["totals"]["flops"] / flops - 1) < 1e-9, str(explained["totals"]))


def a_device_that_is_not_there_falls_back_visibly():
    answer = run("--json", "--device", "cuda", "run", "-s", "16").json()
    expect(answer["device_used"] == "cpu_0" and "cuda" in answer["fallback_reason"], str(answer))


def more_threads_than_cores_are_not_had():
    result = run("--threads", "4096", "run", "-s", "64", "--iterations", "3")
    expect(result.code == 0 and "cores" in result.err, f"{result.code} {result.err}")


def colours_only_on_a_terminal():
    expect("\033" not in run("help").out + run("devices").out + run("status").out, "escape codes in a pipe")
    expect("\033[1m" in harness.run_on_a_terminal("help"), "no bold on a terminal")
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        expect("\033" not in harness.run_on_a_terminal("help", env=env), f"escape codes with {env}")


def tables_fit_the_terminal():
    wide = max(map(len, run("devices").out.splitlines()))
    narrow = harness.run_on_a_terminal("devices", columns=wide - 5, env={"NO_COLOR": "1"})
    expect(narrow.splitlines()[0].startswith("ID"), narrow)
    table = [line for line in narrow.splitlines() if line.startswith(("ID", "cpu"))]
    expect(all(len(line) <= wide - 5 for line in table) and "…" in narrow, narrow)


def long_work_shows_progress_on_a_terminal():
    arguments = ("benchmark", "-t", "memory", "-s", "16384", "--duration", "3")
    shown = harness.run_on_a_terminal(*arguments)
    expect("\033[K[" in shown and " %  " in shown, shown)
    expect("triad" in shown.split("\033[K")[-1], "the table is not behind the progress")


def every_command_has_help_with_two_examples():
    for command in run("--json", "help").json()["commands"]:
        result = run("help", command["name"])
        expect(result.code == 0 and len(command["examples"]) >= 2, command["name"])
        expect(all(example in result.out for example in command["examples"]), command["name"])
        expect(
            run(command["name"], "--help").out == result.out,
            f"{command['name']} --help differs from help {command['name']}",
        )


def completion_and_man_page_are_accepted_by_their_readers():
    import subprocess

    script = run("completion", "bash").out
    expect(subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0, "bash")
    if shutil.which("zsh"):
        expect(
            subprocess.run(["zsh", "-n"], input=run("completion", "zsh").out, text=True, check=False).returncode == 0,
            "zsh",
        )
    page = run("completion", "man").out
    expect(page.startswith(".TH OPENRUNTIME 1"), "man")


def built_in_networks_say_that_their_weights_are_synthetic():
    listed = run("--json", "models", "--models", "data").json()["models"]
    expect([m["name"] for m in listed if m["weights"] == "synthetic"] == BUILT_IN, str(listed))
    expect(any(m["name"] == "digits" and m["weights"] == "file" for m in listed), str(listed))
    for short, name in (("resnet50", "resnet50"), ("bert", "bert-base"), ("gpt", "gpt2")):
        shown = run("--json", "models", "show", short).json()
        expect(shown["name"] == name and shown["weights"] == "synthetic" and shown["file"] is None, str(shown))
        expect("synthetic" in run("models", "show", short).out, short)
    name = "mobilenet-v2"
    for arguments in (["infer", name], ["run", "-o", "inference", "-m", name, "--iterations", "1"]):
        result = run("--json", *arguments).json()["result"]
        expect(result["weights"] == "synthetic" and result["predictions"] is None, str(result))
    expect("weights: synthetic" in run("infer", name).out, "infer")
    expect(run("--json", "explain", name, "--no-profile").json()["weights"] == "synthetic", "explain")
    expect("weights: synthetic" in run("explain", name, "--no-profile").out, "explain")
    expect("synthetic" not in run("infer", DIGITS, "--image", SAMPLE).out, "a model with weights of its own")
    expect("resnet50" in run("infer", "resnet51").err, "no hint")


def _exported_to(folder, name):
    """The file of a model that was written into `folder`, having tried all ways to write it."""
    file = os.path.join(folder, "model.onnx")
    parts = run("--json", "models", "export", name, file, "--external-data").json()
    sizes = os.path.getsize(file) + os.path.getsize(file + ".data")
    expect(parts["bytes"] == sizes and os.path.getsize(file + ".data") > 0, str(parts))
    expect(run("--json", "models", "show", file).json()["inputs"], "not read again")
    again = run("models", "export", name, file)
    expect(again.code == 1 and "--force" in again.err, again.err)
    os.remove(file + ".data")
    answer = run("--json", "models", "export", name, file, "--force").json()
    expect(answer["file"] == file and answer["bytes"] == os.path.getsize(file), str(answer))
    expect(os.listdir(folder) == ["model.onnx"], str(os.listdir(folder)))
    return file


def an_exported_model_gives_the_same_answers():
    with harness.scratch() as folder:
        file = _exported_to(folder, DIGITS)
        shutil.copy(os.path.join(harness.SOURCE, DIGITS, "model.json"), folder)
        answers = [run("--json", "infer", model, "--image", SAMPLE).json()["result"] for model in (DIGITS, file)]
        expect(answers[0]["outputs"] == answers[1]["outputs"], str(answers))
    with harness.scratch() as folder:
        file = _exported_to(folder, "mobilenet-v2")
        expect(run("--json", "models", "show", file).json()["weights"] == "synthetic", "the file does not say it")
        expect(run("verify", file, "--against", "reference").code == 0, "verify")
        expect(run("models", "export", DIGITS, os.path.join(folder, "no", "x.onnx")).code == 1, "no folder")


def a_sentence_model_is_loaded_from_its_folder():
    shown = run("--json", "models", "show", "tests/data/checkpoints/sentence").json()
    expect([v["name"] for v in shown["outputs"]] == ["sentence_embedding", "last_hidden_state"], str(shown))
    expect(shown["weights"] == "file" and shown["inputs"][0]["shape"] == ["batch", "sequence"], str(shown))
    result = run("--json", "infer", "tests/data/checkpoints/sentence", "--text", "Abc d!").json()["result"]
    expect(result["outputs"]["last_hidden_state"]["shape"] == [1, 6, 8], str(result))
    length = sum(x * x for x in result["outputs"]["sentence_embedding"]["data"])
    expect(abs(length - 1) < 1e-4, str(result))
    expect("no tokenizer" in run("infer", "bert", "--text", "x").err, "bert-base")
    listed = run("--json", "models", "--models", "tests/data/checkpoints").json()["models"]
    expect({"bert", "sentence", "distilbert", "gpt2"} <= {m["name"] for m in listed}, str(listed))
    expect(sum(m["name"] == "gpt2" for m in listed) == 1, "a folder's model hides the built-in one")


def explain_accounts_for_the_whole_run():
    report = run("--json", "explain", DIGITS).json()
    expect(report["flops_on_device"] == 1, str(report["flops_on_device"]))
    names = " ".join(node["op"] for node in report["nodes"])
    expect(names.count("Conv+BatchNormalization") == 3, names)
    with harness.scratch() as folder:
        trace = os.path.join(folder, "trace.json")
        expect(run("explain", DIGITS, "--trace", trace).code == 0, "trace")
        with open(trace, encoding="utf-8") as file:
            events = json.load(file)["traceEvents"]
        expect(any(event["ph"] == "X" and event["dur"] >= 0 for event in events), "no events")


harness.main(
    [
        test
        for name, test in list(globals().items())
        if callable(test) and getattr(test, "__module__", "") == "__main__" and not name.startswith("_")
    ]
)
