#include <math.h>
#include <string.h>

#include "base/string.h"
#include "cli/cli.h"
#include "runtime/device_json.h"

static int print_list(or_cli_t *cli);
static int print_one(or_cli_t *cli, const char *id);

int or_cli_devices_command(or_cli_t *cli) {
  if (!or_cli_runtime(cli)) return cli->code;
  return cli->arguments.word_count > 0 ? print_one(cli, cli->arguments.words[0]) : print_list(cli);
}

static const char *join_capabilities(const or_device_facts_t *facts, char *text, size_t capacity) {
  text[0] = '\0';
  for (uint32_t i = 0; i < facts->capability_count; ++i) {
    size_t used = strlen(text);
    or_format(text + used, capacity - used, "%s%s", i > 0 ? " " : "", facts->capabilities[i]);
  }
  return text;
}

static int print_list(or_cli_t *cli) {
  size_t count = or_runtime_device_count(cli->runtime);
  if (cli->json) {
    or_text_t text;
    or_json_writer_t json;
    or_text_init(&text, cli->allocator);
    or_json_begin(&json, &text, 2);
    or_json_object_begin(&json);
    or_json_key(&json, "devices");
    or_json_array_begin(&json);
    for (size_t i = 0; i < count; ++i) or_device_write_json(&json, or_runtime_device(cli->runtime, i));
    or_json_array_end(&json);
    or_json_object_end(&json);
    return or_cli_print_json(cli, &json, &text);
  }
  or_cli_table_t *table = or_cli_table_create(cli, "ID|NAME|TYPE|>MEMORY|>UNITS|STATE|CAPABILITIES");
  for (size_t i = 0; i < count; ++i) {
    const or_device_t *device = or_runtime_device(cli->runtime, i);
    const or_device_facts_t *facts = or_device_facts(device);
    char bytes[OR_CLI_NUMBER_BYTES], capabilities[160];
    or_cli_table_cell(table, "%s", facts->id);
    or_cli_table_cell(table, "%s", facts->name);
    or_cli_table_cell(table, "%s", facts->type);
    or_cli_table_cell(table, "%s", or_cli_bytes(facts->memory_total_bytes, bytes, sizeof bytes));
    or_cli_table_cell(table, "%u", facts->compute_units);
    or_cli_table_cell(table, "%s", or_device_state_name(device));
    or_cli_table_cell(table, "%s", join_capabilities(facts, capabilities, sizeof capabilities));
  }
  or_cli_table_print(table, stdout);
  or_cli_table_free(table);
  for (size_t i = 0; i < or_runtime_backend_count(cli->runtime); ++i) {
    or_backend_info_t info;
    if (!or_runtime_backend(cli->runtime, i, &info) || (info.usable && info.advice == NULL) || cli->quiet) continue;
    (void)fprintf(stderr, "%s: %s%s%s\n", info.name, info.detail, info.advice != NULL ? "; " : "",
                  info.advice != NULL ? info.advice : "");
  }
  return OR_EXIT_OK;
}

/* One "name  value" line; nothing for what is not known. */
static void line(const char *name, const char *value) {
  if (value != NULL && value[0] != '\0' && strcmp(value, "-") != 0) (void)printf("%-20s %s\n", name, value);
}

static void print_facts(const or_device_t *device) {
  const or_device_facts_t *facts = or_device_facts(device);
  const char *reason = "";
  char text[256];
  (void)or_device_state(device, &reason);
  line("id", facts->id);
  line("name", facts->name);
  line("type", facts->type);
  line("hardware", facts->hardware_id);
  line("state", or_device_state_name(device));
  line("reason", reason);
  line("driver", facts->driver_version);
  line("compute capability", facts->compute_capability);
  line("capabilities", join_capabilities(facts, text, sizeof text));
  line("compute units", or_format(text, sizeof text, "%u", facts->compute_units));
  line("memory", or_cli_bytes(facts->memory_total_bytes, text, sizeof text));
  for (int level = 0; level < 3; ++level) {
    char name[16];
    if (facts->cache_bytes[level] == 0) continue;
    line(or_format(name, sizeof name, "L%d cache", level + 1),
         or_cli_bytes(facts->cache_bytes[level], text, sizeof text));
  }
  line("clock, highest", or_cli_rate(facts->clock_max_hz, "Hz", text, sizeof text));
}

static void print_sample(const or_device_sample_t *sample) {
  char text[64];
  line("memory available", or_cli_bytes(sample->memory_available_bytes, text, sizeof text));
  line("clock, now", or_cli_rate(sample->clock_hz, "Hz", text, sizeof text));
  if (isfinite(sample->utilization_percent))
    line("utilisation", or_format(text, sizeof text, "%.0f %%", sample->utilization_percent));
  if (isfinite(sample->temperature_celsius))
    line("temperature", or_format(text, sizeof text, "%.1f °C", sample->temperature_celsius));
  if (isfinite(sample->power_watts)) line("power", or_format(text, sizeof text, "%.1f W", sample->power_watts));
}

static void print_peaks(const or_device_peaks_t *peaks) {
  char text[64];
  line("peak float32", or_cli_rate(peaks->fp32_flops, "FLOP/s", text, sizeof text));
  line("peak float64", or_cli_rate(peaks->fp64_flops, "FLOP/s", text, sizeof text));
  line("peak bfloat16", or_cli_rate(peaks->bf16_flops, "FLOP/s", text, sizeof text));
  line("peak int8", or_cli_rate(peaks->int8_ops, "OP/s", text, sizeof text));
  line("read bandwidth", or_cli_rate(peaks->read_bytes_per_second, "B/s", text, sizeof text));
  line("copy bandwidth", or_cli_rate(peaks->copy_bytes_per_second, "B/s", text, sizeof text));
}

static void write_peak(or_json_writer_t *json, const char *key, double value) {
  if (isfinite(value)) {
    or_json_field_double(json, key, value);
  } else {
    or_json_field_null(json, key);
  }
}

static int print_one_json(or_cli_t *cli, or_device_t *device, const or_device_peaks_t *peaks) {
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  if (peaks != NULL) {
    or_json_object_begin(&json);
    or_json_key(&json, "device");
  }
  or_device_write_json(&json, device);
  if (peaks != NULL) {
    or_json_key(&json, "peaks");
    or_json_object_begin(&json);
    write_peak(&json, "fp32_flops", peaks->fp32_flops);
    write_peak(&json, "fp64_flops", peaks->fp64_flops);
    write_peak(&json, "bf16_flops", peaks->bf16_flops);
    write_peak(&json, "int8_ops", peaks->int8_ops);
    write_peak(&json, "read_bytes_per_second", peaks->read_bytes_per_second);
    write_peak(&json, "copy_bytes_per_second", peaks->copy_bytes_per_second);
    or_json_object_end(&json);
    or_json_object_end(&json);
  }
  return or_cli_print_json(cli, &json, &text);
}

static int print_one(or_cli_t *cli, const char *id) {
  or_device_t *device = NULL;
  or_device_peaks_t peaks;
  or_device_sample_t sample;
  bool measure = or_cli_has(cli, "--peaks");
  or_status_t status = or_runtime_find_device(cli->runtime, id, &device);
  if (measure) or_cli_end_at_signal();
  if (or_ok(status) && measure) status = or_device_measure_peaks(device, &peaks);
  if (!or_ok(status)) return or_cli_fail(cli, status);
  if (cli->json) return print_one_json(cli, device, measure ? &peaks : NULL);
  print_facts(device);
  status = or_device_sample(device, &sample);
  if (or_ok(status)) print_sample(&sample);
  if (measure) print_peaks(&peaks);
  return or_ok(status) ? OR_EXIT_OK : or_cli_fail(cli, status);
}
