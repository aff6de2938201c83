#include <math.h>
#include <string.h>

#include "base/string.h"
#include "cli/print.h"
#include "cli/remote.h"
#include "runtime/device_json.h"

static int show_list(or_cli_t *cli);
static int show_one(or_cli_t *cli, const char *id);
static int ask_server(or_cli_t *cli);

int or_cli_devices_command(or_cli_t *cli) {
  if (or_cli_is_remote(cli)) return ask_server(cli);
  if (!or_cli_runtime(cli)) return cli->code;
  return cli->arguments.word_count > 0 ? show_one(cli, cli->arguments.words[0]) : show_list(cli);
}

static void print_list(or_cli_t *cli, const or_json_value_t *root) {
  static const or_cli_column_t columns[] = {{"ID", "id", NULL},
                                            {"NAME", "name", NULL},
                                            {"TYPE", "type", NULL},
                                            {">MEMORY", "memory_total", or_cli_bytes_cell},
                                            {">UNITS", "compute_units", NULL},
                                            {"STATE", "state", NULL},
                                            {"CAPABILITIES", "capabilities", or_cli_words_cell}};
  OR_CLI_PRINT_ROWS(cli, or_json_get(root, "devices"), columns);
}

static int show_list(or_cli_t *cli) {
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  or_json_key(&json, "devices");
  or_json_array_begin(&json);
  for (size_t i = 0; i < or_runtime_device_count(cli->runtime); ++i)
    or_device_write_json(&json, or_runtime_device(cli->runtime, i));
  or_json_array_end(&json);
  or_json_object_end(&json);
  const int code = or_cli_show_written(cli, &json, &text, print_list);
  for (size_t i = 0; !cli->json && !cli->quiet && i < or_runtime_backend_count(cli->runtime); ++i) {
    or_backend_info_t info;
    if (!or_runtime_backend(cli->runtime, i, &info) || (info.usable && info.advice == NULL)) continue;
    (void)fprintf(stderr, "%s: %s%s%s\n", info.name, info.detail, info.advice != NULL ? "; " : "",
                  info.advice != NULL ? info.advice : "");
  }
  return code;
}

/* One "name  value" line; nothing for what is not known. */
static void line(const char *name, const char *value) { or_cli_print_field(name, 20, value); }

static void line_of_number(const char *name, const char *format, double value) {
  char text[64];
  if (isfinite(value)) line(name, or_format(text, sizeof text, "%.1f %s", value, format));
}

static void print_facts(const or_json_value_t *device) {
  const or_json_value_t *caches = or_json_get(device, "cache_bytes");
  char text[256];
  line("id", or_cli_word(device, "id"));
  line("name", or_cli_word(device, "name"));
  line("type", or_cli_word(device, "type"));
  line("hardware", or_cli_word(device, "hardware_id"));
  line("state", or_cli_word(device, "state"));
  line("reason", or_cli_word(device, "reason"));
  line("driver", or_cli_word(device, "driver_version"));
  line("compute capability", or_cli_word(device, "compute_capability"));
  line("capabilities", or_cli_words_cell(or_json_get(device, "capabilities"), text, sizeof text));
  line("compute units", or_format(text, sizeof text, "%lld", (long long)or_cli_whole(device, "compute_units")));
  line("memory", or_cli_json_bytes(or_json_get(device, "memory_total"), text, sizeof text));
  for (size_t level = 0; level < or_json_count(caches); ++level) {
    char name[16];
    line(or_format(name, sizeof name, "L%zu cache", level + 1),
         or_cli_json_bytes(or_json_at(caches, level), text, sizeof text));
  }
  line("clock, highest", or_cli_rate(or_cli_real(device, "clock_max"), "Hz", text, sizeof text));
}

static void print_sample(const or_json_value_t *device) {
  const or_json_value_t *sample = or_json_get(device, "current_metrics");
  char text[64];
  line("memory available", or_cli_json_bytes(or_json_get(device, "memory_available"), text, sizeof text));
  line("clock, now", or_cli_rate(or_cli_real(device, "clock"), "Hz", text, sizeof text));
  line_of_number("utilisation", "%", or_cli_real(sample, "gpu_utilization"));
  line_of_number("temperature", "°C", or_cli_real(sample, "temperature"));
  line_of_number("power", "W", or_cli_real(sample, "power_usage"));
}

static void print_peaks(const or_json_value_t *peaks) {
  char text[64];
  line("peak float32", or_cli_rate(or_cli_real(peaks, "fp32_flops"), "FLOP/s", text, sizeof text));
  line("peak float64", or_cli_rate(or_cli_real(peaks, "fp64_flops"), "FLOP/s", text, sizeof text));
  line("peak bfloat16", or_cli_rate(or_cli_real(peaks, "bf16_flops"), "FLOP/s", text, sizeof text));
  line("peak int8", or_cli_rate(or_cli_real(peaks, "int8_ops"), "OP/s", text, sizeof text));
  line("read bandwidth", or_cli_rate(or_cli_real(peaks, "read_bytes_per_second"), "B/s", text, sizeof text));
  line("copy bandwidth", or_cli_rate(or_cli_real(peaks, "copy_bytes_per_second"), "B/s", text, sizeof text));
}

/* A Device, or {device, peaks}. */
static void print_one(or_cli_t *cli, const or_json_value_t *root) {
  const or_json_value_t *inner = or_json_get(root, "device"), *device = inner != NULL ? inner : root;
  (void)cli;
  print_facts(device);
  print_sample(device);
  print_peaks(or_json_get(root, "peaks"));
}

static void write_peak(or_json_writer_t *json, const char *key, double value) {
  if (isfinite(value)) {
    or_json_field_double(json, key, value);
  } else {
    or_json_field_null(json, key);
  }
}

static int show_one(or_cli_t *cli, const char *id) {
  or_text_t text;
  or_json_writer_t json;
  or_device_t *device = NULL;
  or_device_peaks_t peaks;
  or_device_sample_t sample;
  const bool measure = or_cli_has(cli, "--peaks");
  or_status_t status = or_runtime_find_device(cli->runtime, id, &device);
  if (measure) or_cli_end_at_signal();
  if (or_ok(status) && measure) status = or_device_measure_peaks(device, &peaks);
  if (!or_ok(status)) return or_cli_fail(cli, status);
  or_status_t sampled = or_device_sample(device, &sample); /* opens it; what fails here is null in the document */
  if (cli->json) {
    or_status_ignore(sampled);
  } else {
    status = sampled;
  }
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  if (measure) {
    or_json_object_begin(&json);
    or_json_key(&json, "device");
  }
  or_device_write_json(&json, device);
  if (measure) {
    or_json_key(&json, "peaks");
    or_json_object_begin(&json);
    write_peak(&json, "fp32_flops", peaks.fp32_flops);
    write_peak(&json, "fp64_flops", peaks.fp64_flops);
    write_peak(&json, "bf16_flops", peaks.bf16_flops);
    write_peak(&json, "int8_ops", peaks.int8_ops);
    write_peak(&json, "read_bytes_per_second", peaks.read_bytes_per_second);
    write_peak(&json, "copy_bytes_per_second", peaks.copy_bytes_per_second);
    or_json_object_end(&json);
    or_json_object_end(&json);
  }
  const int code = or_cli_show_written(cli, &json, &text, print_one);
  return or_ok(status) ? code : or_cli_fail(cli, status);
}

/* The first device of that type; NULL: none. */
static const or_json_value_t *first_of_type(const or_json_document_t *document, const char *type) {
  const or_json_value_t *devices = or_json_get(or_json_root(document), "devices");
  for (size_t i = 0; i < or_json_count(devices); ++i) {
    const or_json_value_t *device = or_json_at(devices, i);
    if (strcmp(or_cli_word(device, "type"), type) == 0) return device;
  }
  return NULL;
}

/* As in process, a type stands for its first device; a server's route takes ids alone. */
static int ask_for_one(or_cli_t *cli, const char *id) {
  const or_client_request_t list = {.method = "GET", .path = "/devices"};
  or_json_document_t *document = NULL;
  or_text_t path;
  int code = or_cli_ask(cli, &list, &document);
  const or_json_value_t *device = code == OR_EXIT_OK ? first_of_type(document, id) : NULL;
  or_text_init(&path, cli->allocator);
  if (code == OR_EXIT_OK && device == NULL) {
    or_status_t status = or_cli_path(&path, "/devices", id, "");
    const or_client_request_t one = {.method = "GET", .path = or_text_string(&path)};
    code = or_ok(status) ? or_cli_show_reply(cli, &one, print_one) : or_cli_fail(cli, status);
  } else if (code == OR_EXIT_OK) {
    code = or_cli_show(cli, device, print_one);
  }
  or_text_deinit(&path);
  or_json_document_free(document);
  return code;
}

static int ask_server(or_cli_t *cli) {
  const or_client_request_t request = {.method = "GET", .path = "/devices"};
  if (cli->arguments.word_count > 0) return ask_for_one(cli, cli->arguments.words[0]);
  return or_cli_show_reply(cli, &request, print_list);
}
