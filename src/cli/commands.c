/* The table of commands. */
#include <string.h>

#include "cli/cli.h"

#define DEVICE \
  { "--device", 'd', "ID|TYPE", "where it runs: a device's id, a type, or auto (default)", false }
#define MODELS                                                                                              \
  {                                                                                                         \
    "--models", 0, "DIR",                                                                                   \
        "the folder of models (default: OPENRUNTIME_MODELS, else ./models, else the installed ones)", false \
  }
#define SEED \
  { "--seed", 0, "N", "of generated input: the same N gives the same numbers on every machine", false }
#define PRECISION \
  { "--precision", 0, "P", "of matrix products and convolutions: fp32 (default), bf16", false }
#define DIM \
  { "--dim", 0, "NAME=N", "the extent of one of the model's symbolic dimensions", true }
#define SERVER_FLAGS                                                                                    \
  {"--host", 0, "ADDRESS", "where to listen (default: 127.0.0.1)", false},                              \
      {"--port", 0, "N", "TCP port (default: 8000; 0: one that is free)", false},                       \
      {"--unix", 0, "PATH", "a Unix socket to listen at as well", false}, MODELS,                       \
      {"--data", 0, "DIR", "folder of the database and results; :memory: keeps nothing", false},        \
      {"--config", 0, "FILE", "settings, key = value (default: openruntime.conf, where it is)", false}, \
      {"--set", 0, "KEY=VALUE", "any setting by its name; over environment and file", true},            \
      {"--insecure", 0, NULL, "listen beyond loopback without API keys", false},                        \
      {"--tls-cert", 0, "FILE", "PEM certificate with its chain; read again at SIGHUP", false},         \
      {"--tls-key", 0, "FILE", "PEM key of the certificate", false},                                    \
      {"--metrics-open", 0, NULL, "/metrics needs no key", false},                                      \
      {"--loops", 0, "N", "threads that own connections (default: 1)", false},                          \
      {"--log-level", 0, "L[,module=L]", "off, error, warning, info, debug", false},                    \
      {"--check-config", 0, NULL, "say what is wrong with the settings, and end", false}, {             \
    "--print-config", 0, NULL, "a template with every setting, its default and its meaning", false      \
  }

const or_cli_flag_t or_cli_global_flags[] = {
    {"--url", 0, "URL", "ask a running server instead of working in process (or OPENRUNTIME_URL)", false},
    {"--key-file", 0, "FILE", "its first line is the server's API key (or OPENRUNTIME_API_KEY: the key itself)", false},
    {"--ca", 0, "FILE", "trust these PEM certificates of an https server (or OPENRUNTIME_CA, CURL_CA_BUNDLE)", false},
    {"--json", 0, NULL, "one JSON document on stdout; everything else on stderr", false},
    {"--device", 'd', "ID|TYPE", "where work runs: a device's id, a type, or auto (default)", false},
    {"--strict", 0, NULL, "fail rather than run anywhere but on --device", false},
    {"--threads", 0, "N", "CPU threads (default: every usable core)", false},
    {"--isa", 0, "NAME", "the most that CPU kernels may use: portable, avx2, avx512, amx, neon", false},
    {"--no-vendor", 0, NULL, "kernels of our own only: no oneDNN or the like is opened", false},
    {"--verbose", 'v', NULL, "log to stderr; again for more", true},
    {"--quiet", 'q', NULL, "no progress, no hints", false},
    {"--help", 'h', NULL, "help of a command, with examples", false},
    {NULL, 0, NULL, NULL, false},
};

static const or_cli_command_t commands[] = {
    {.name = "status",
     .words = "",
     .summary = "version, what is compiled in, every device in a line, what is missing and the cure",
     .examples = {"openruntime status", "openruntime --json status"},
     .place = OR_CLI_ANYWHERE,
     .run = or_cli_status_command},
    {.name = "devices",
     .words = "[ID]",
     .summary = "the devices of this machine; with an ID all that is known of one",
     .flags = {{"--peaks", 0, NULL, "also measure its limits (about a second)", false}},
     .examples = {"openruntime devices", "openruntime devices cpu_0 --peaks"},
     .max_words = 1,
     .place = OR_CLI_ANYWHERE,
     .run = or_cli_devices_command},
    {.name = "run",
     .words = "",
     .summary = "one task: a computation, an inference, a benchmark",
     .flags = {{"--operation", 'o', "NAME", "compute (default), mlx_compute, inference, benchmark", false},
               {"--type", 't', "TYPE", "of a computation or benchmark: matrix_multiply (default), vector_operations, …",
                false},
               {"--size", 's', "N", "elements along an extent", false},
               {"--dtype", 0, "D", "float32 (default), float64, float16, bfloat16, int8", false},
               {"--model", 'm', "MODEL", "of an inference: a name or an .onnx file", false},
               {"--batch", 'b', "N", "items at once", false},
               {"--iterations", 0, "N", "timed runs (default: half a second's worth)", false},
               SEED,
               {"--set", 0, "KEY=VALUE", "any other field of the task's data; VALUE is JSON or text", true},
               {"--priority", 0, "P", "1 to 10, 10 the most urgent", false},
               {"--timeout", 0, "S", "seconds until the task is given up (default 300)", false},
               {"--verify", 0, NULL, "compare with the C reference and print the error", false},
               {"--async", 0, NULL, "do not wait (needs a server)", false},
               MODELS},
     .examples = {"openruntime run -s 1024", "openruntime run -t vector_operations --set function=axpy --verify",
                  "openruntime run -o inference -m data/digits -b 8"},
     .place = OR_CLI_ANYWHERE,
     .run = or_cli_run_command},
    {.name = "infer",
     .words = "MODEL",
     .summary = "a model on real input",
     .flags = {{"--input", 'i', "NAME=FILE", "a tensor for an input: .npy, .pb or .json", true},
               {"--image", 0, "FILE", "a PNG or JPEG picture; several make one answer each", true},
               {"--text", 0, "STRING", "text (needs a model with a tokenizer); several are compared with the first",
                true},
               {"--top", 'k', "K", "predictions to show (default 5)", false},
               {"--output", 0, "DIR", "write each output as DIR/NAME.npy", false},
               PRECISION,
               MODELS},
     .examples = {"openruntime infer data/digits --image data/digits/samples/7-1.png",
                  "openruntime infer model.onnx --input x=x.npy --output out",
                  "openruntime infer all-minilm-l6-v2 --text \"a cat\" --text \"a kitten\" --text \"a tax form\""},
     .min_words = 1,
     .max_words = 1,
     .place = OR_CLI_ANYWHERE,
     .run = or_cli_infer_command},
    {.name = "models",
     .words = "[list|show NAME|export NAME FILE.onnx]",
     .summary = "the model repository, and models as ONNX files",
     .flags = {{"--force", 0, NULL, "export: write over what is there", false},
               {"--external-data", 0, NULL, "export: weights in FILE.onnx.data", false},
               MODELS},
     .examples = {"openruntime models --models data", "openruntime models show data/digits",
                  "openruntime models export resnet50 resnet50.onnx"},
     .max_words = 3,
     .place = OR_CLI_ANYWHERE,
     .run = or_cli_models_command},
    {.name = "explain",
     .words = "MODEL",
     .summary = "node by node: device and why, kernel, time, share of the peak; the memory plan",
     .flags = {{"--batch", 'b', "N", "items at once (default 1)", false},
               DIM,
               PRECISION,
               {"--no-profile", 0, NULL, "do not run it: no times", false},
               {"--no-fusion", 0, NULL, "keep the nodes of the file", false},
               {"--trace", 0, "FILE", "write a Chrome trace of one run", false},
               MODELS},
     .examples = {"openruntime explain data/digits", "openruntime explain model.onnx -b 8 --trace trace.json"},
     .min_words = 1,
     .max_words = 1,
     .place = OR_CLI_ANYWHERE,
     .run = or_cli_explain_command},
    {.name = "verify",
     .words = "MODEL|DIR",
     .summary = "an ONNX model on its test data, on two devices, or against the C reference",
     .flags = {{"--devices", 0, "A,B", "compare two devices on the same generated input", false},
               {"--against", 0, "reference", "compare with the C reference on generated input", false},
               PRECISION,
               {"--rtol", 0, "R", "relative tolerance (default 1e-3)", false},
               {"--atol", 0, "A", "absolute tolerance (default 1e-5)", false},
               {"--output", 0, "DIR", "write what was computed as DIR/CASE/test_data_set_N/NAME.npy", false},
               {"--batch", 'b', "N", "items at once of generated input (default 1)", false},
               DIM,
               SEED,
               MODELS},
     .examples = {"openruntime verify data/digits", "openruntime verify model.onnx --against reference"},
     .min_words = 1,
     .max_words = 1,
     .run = or_cli_verify_command},
    {.name = "benchmark",
     .words = "",
     .summary = "what a device reaches: medians, p99, share of its measured peak",
     .flags = {{"--type", 't', "TYPE", "comprehensive (default), compute, memory, ml", false},
               DEVICE,
               {"--model", 'm', "MODEL",
                "of ml: a name or an .onnx file (default: resnet50 mobilenet-v2 bert-base gpt2)", true},
               {"--batch", 'b', "N", "of ml: items at once (default 1)", false},
               DIM,
               {"--precision", 0, "P", "of ml: float32, float16, bfloat16, int8 (default: the model's own)", false},
               {"--scenario", 0, "NAME", "of ml: single-stream (default), offline, server", false},
               {"--qps", 0, "N", "of the server scenario: queries that arrive in a second", false},
               SEED,
               {"--sizes", 's', "N,N,…", "of compute or memory: sizes to measure", false},
               {"--dtypes", 0, "D,D,…", "of compute: dtypes to measure", false},
               {"--duration", 0, "S", "seconds in all (default 10)", false},
               {"--out", 0, "FILE", "also write the JSON there", false},
               MODELS},
     .examples = {"openruntime benchmark -t compute", "openruntime benchmark -m bert-base --dim sequence=77",
                  "openruntime benchmark -m resnet50 -b 8 --scenario server --qps 20 --json"},
     .place = OR_CLI_ANYWHERE,
     .run = or_cli_benchmark_command},
    {.name = "tasks",
     .words = "[ID]",
     .summary = "what runs and what ran, of a server",
     .examples = {"openruntime tasks", "openruntime tasks --help"},
     .max_words = 1},
    {.name = "metrics",
     .words = "",
     .summary = "a server's metrics",
     .examples = {"openruntime metrics", "openruntime metrics --help"}},
    {.name = "monitor",
     .words = "",
     .summary = "a live view of devices and tasks",
     .examples = {"openruntime monitor", "openruntime monitor --help"}},
    {.name = "generate",
     .words = "MODEL",
     .summary = "text generation",
     .examples = {"openruntime generate gpt2", "openruntime generate --help"},
     .max_words = 1},
    {.name = "kernels",
     .words = "[list|compile FILE|run NAME|remove NAME]",
     .summary = "kernels compiled at run time: no device of this version can compile one, and it says why",
     .examples = {"openruntime kernels", "openruntime kernels compile saxpy.cu --device cpu_0"},
     .max_words = 2,
     .run = or_cli_kernels_command},
    {.name = "keys",
     .words = "create|list|revoke",
     .summary = "a server's API keys",
     .examples = {"openruntime keys list", "openruntime keys --help"},
     .max_words = 3},
    {.name = "store",
     .words = "backup FILE|check",
     .summary = "a server's database",
     .examples = {"openruntime store check", "openruntime store --help"},
     .max_words = 2},
    {.name = "server",
     .words = "",
     .summary = "serve over HTTP until SIGTERM, then drain",
     .flags = {SERVER_FLAGS},
     .examples = {"openruntime server", "openruntime server --host 0.0.0.0 --insecure --set idle_timeout=30"},
     .place = OR_CLI_APART,
     .run = or_cli_server_command},
    {.name = "serve",
     .words = "",
     .summary = "the same as server",
     .flags = {SERVER_FLAGS},
     .examples = {"openruntime serve --port 8080", "openruntime serve --config openruntime.conf --check-config"},
     .place = OR_CLI_APART,
     .run = or_cli_server_command},
    {.name = "docs",
     .words = "",
     .summary = "the documentation",
     .examples = {"openruntime docs", "openruntime docs --help"}},
    {.name = "version",
     .words = "",
     .summary = "the version, the revision and what is compiled in",
     .examples = {"openruntime version", "openruntime --json version"},
     .place = OR_CLI_APART,
     .run = or_cli_version_command},
    {.name = "completion",
     .words = "bash|zsh|man",
     .summary = "a completion script for a shell, or the man page, on stdout",
     .examples = {"source <(openruntime completion bash)", "openruntime completion man | man -l -"},
     .min_words = 1,
     .max_words = 1,
     .place = OR_CLI_APART,
     .run = or_cli_completion_command},
    {.name = "help",
     .words = "[COMMAND]",
     .summary = "help of the program or of a command",
     .examples = {"openruntime help", "openruntime help run"},
     .max_words = 1,
     .place = OR_CLI_APART,
     .run = or_cli_help_command},
};

const or_cli_command_t *or_cli_command_at(size_t index) {
  return index < sizeof commands / sizeof *commands ? &commands[index] : NULL;
}

const or_cli_command_t *or_cli_command_find(const char *name) {
  for (size_t i = 0; i < sizeof commands / sizeof *commands; ++i) {
    if (strcmp(commands[i].name, name) == 0) return &commands[i];
  }
  return NULL;
}
