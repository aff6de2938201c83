"""Networks by ONNX Runtime, OpenVINO and llama.cpp, each kept prepared. The inputs are those of ours.c."""
import ctypes
import os
import re

import numpy as np

KINDS = ("onnxruntime", "onnxruntime-tuned", "openvino", "llamacpp")
TOKENS = 30000  # fewer than any of the vocabularies
UBATCH = 512


def fill(shape, seed, dtype):
    """What worker.h's bench_value gives."""
    one = ((np.arange(31) * 7 + seed * 3) % 31 - 15) / 16
    return np.resize(one.astype(dtype), shape)


def tokens(batch, first, count):
    """What worker.h's bench_token gives at positions first..first+count-1, for every item."""
    return np.tile(((np.arange(first, first + count) * 7 + 3) % TOKENS).astype(np.int64), (batch, 1))


def past_name(present):
    return present.replace("present", "past_key_values", 1)


class Extents:
    """The inputs of a network by name: batch, tokens now, tokens before."""

    def __init__(self, batch, sequence, past):
        self.batch, self.sequence, self.past = batch, sequence, past

    def value(self, name, dims, seed, caches):
        if name in caches:
            return caches[name]
        if name == "position_ids":
            return np.tile(np.arange(self.past, self.past + self.sequence, dtype=np.int64), (self.batch, 1))
        if name == "input_ids":
            return tokens(self.batch, self.past, self.sequence)
        if name == "token_type_ids":
            return np.zeros((self.batch, self.sequence), np.int64)
        if name == "attention_mask":
            return np.ones((self.batch, self.sequence), np.int64)
        shape = [dim if isinstance(dim, int) else self.batch if i == 0 else 0 for i, dim in enumerate(dims)]
        return fill(shape, seed, np.float32)  # pixels; or keys and values of no past


def ort_session(path, threads, tuned):
    import onnxruntime as ort
    options = ort.SessionOptions()
    if not tuned and threads < os.cpu_count():  # else it binds a thread to each core, also where it was not pinned
        options.intra_op_num_threads = threads
    if tuned:
        options.intra_op_num_threads = threads
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        cores = sorted(os.sched_getaffinity(0))[1:threads]  # the first is the calling thread's
        if cores:
            options.add_session_config_entry("session.intra_op_thread_affinities",
                                             ";".join(str(core + 1) for core in cores))
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def ort_caches(session, extents):
    """Keys and values of the tokens before, computed by the network itself."""
    if extents.past == 0:
        return {}
    before = Extents(extents.batch, extents.past, 0)
    feeds = {value.name: before.value(value.name, value.shape, seed, {})
             for seed, value in enumerate(session.get_inputs())}
    names = [value.name for value in session.get_outputs()]
    return {past_name(name): array for name, array in zip(names, session.run(names, feeds))
            if name.startswith("present")}


def ort_network(path, threads, tuned, extents):
    import onnxruntime as ort
    session = ort_session(path, threads, tuned)
    caches = ort_caches(session, extents)
    feeds = {value.name: extents.value(value.name, value.shape, seed, caches)
             for seed, value in enumerate(session.get_inputs())}
    first = session.run(None, feeds)
    if not tuned:
        return lambda: session.run(None, feeds), first
    binding = session.io_binding()
    keep = []
    for name, array in feeds.items():
        keep.append(ort.OrtValue.ortvalue_from_numpy(array))
        binding.bind_ortvalue_input(name, keep[-1])
    for value, array in zip(session.get_outputs(), first):
        keep.append(ort.OrtValue.ortvalue_from_numpy(array))
        binding.bind_ortvalue_output(value.name, keep[-1])
    return lambda: session.run_with_iobinding(binding), [keep[len(feeds)].numpy(), binding, keep]


def openvino_network(path, threads, extents):
    import openvino as ov
    core = ov.Core()
    model = core.read_model(path)
    feeds = {}
    for seed, value in enumerate(model.inputs):
        dims = [dim.get_length() if dim.is_static else str(dim) for dim in value.partial_shape]
        feeds[value.any_name] = extents.value(value.any_name, dims, seed, {})
    model.reshape({name: array.shape for name, array in feeds.items()})
    compiled = core.compile_model(model, "CPU", {
        "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads,
        "ENABLE_CPU_PINNING": True})
    request = compiled.create_infer_request()
    for name, array in feeds.items():
        request.set_tensor(name, ov.Tensor(array, shared_memory=True))
    request.infer()
    return request.infer, [request.get_output_tensor(0).data, feeds, compiled]


class Llama:
    """One token behind `past` others, again and again: what it adds to the cache is taken out again."""

    def __init__(self, path, threads, extents):
        import llama_cpp
        self.api = llama_cpp
        llama_cpp.llama_backend_init()
        quiet = llama_cpp.llama_log_callback(lambda *_: None)
        llama_cpp.llama_log_set(quiet, None)
        self.quiet = quiet
        options = llama_cpp.llama_model_default_params()
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), options)
        if not self.model:
            raise ValueError(f"llama.cpp can not load {path}")
        context = llama_cpp.llama_context_default_params()
        context.n_ctx = UBATCH
        context.n_threads = context.n_threads_batch = threads
        context.type_k = context.type_v = llama_cpp.GGML_TYPE_F32
        self.context = llama_cpp.llama_init_from_model(self.model, context)
        self.past = extents.past
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))
        self.decode(tokens(1, 0, extents.past)[0])
        self.token = np.ascontiguousarray(tokens(1, extents.past, 1)[0].astype(np.int32))

    def decode(self, ids):
        ids = np.ascontiguousarray(ids.astype(np.int32))
        pointer = ids.ctypes.data_as(ctypes.POINTER(ctypes.c_int32))
        if self.api.llama_decode(self.context, self.api.llama_batch_get_one(pointer, len(ids))) != 0:
            raise ValueError("llama_decode failed")

    def run(self):
        self.api.llama_memory_seq_rm(self.api.llama_get_memory(self.context), 0, self.past, -1)
        self.decode(self.token)
        return np.ctypeslib.as_array(self.api.llama_get_logits(self.context), (self.vocabulary,))


def prepare(kind, words, threads):
    if words[0] == "network":
        path, extents = words[1], Extents(*(int(word) for word in words[2:5]))
    elif words[0] == "model":
        path, extents = " ".join(words[1:]), Extents(1, 1, 0)
    else:
        raise ValueError("only model PATH and network PATH BATCH SEQUENCE PAST")
    if kind == "openvino":
        return openvino_network(path, threads, extents)
    if kind == "llamacpp":
        llama = Llama(re.sub(r"\.onnx$", ".gguf", path), threads, extents)
        return llama.run, [llama.run(), llama]
    return ort_network(path, threads, kind == "onnxruntime-tuned", extents)


def version(kind):
    if kind == "openvino":
        import openvino
        return f"OpenVINO {openvino.__version__}"
    if kind == "llamacpp":
        import llama_cpp
        return f"llama.cpp of llama-cpp-python {llama_cpp.__version__}"
    import onnxruntime
    return f"ONNX Runtime {onnxruntime.__version__}"
