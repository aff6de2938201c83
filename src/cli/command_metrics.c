#include <math.h>

#include "base/string.h"
#include "cli/cli.h"
#include "runtime/device_metrics.h"
#include "runtime/telemetry.h"

/* A device that can't be sampled has no numbers, and is there all the same. */
static or_telemetry_summary_t summarize(or_device_t *device) {
  or_device_sample_t sample;
  or_telemetry_summary_t summary;
  or_status_t status = or_device_sample(device, &sample);
  or_telemetry_summarize_samples(or_device_facts(device), &sample, or_ok(status) ? 1 : 0, &summary);
  or_status_ignore(status); /* its state says why */
  return summary;
}

static int print_json(or_cli_t *cli) {
  or_text_t text;
  or_json_writer_t json;
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  or_json_key(&json, "summary");
  or_json_object_begin(&json);
  for (size_t i = 0; i < or_runtime_device_count(cli->runtime); ++i) {
    or_device_t *device = or_runtime_device(cli->runtime, i);
    const or_telemetry_summary_t summary = summarize(device);
    or_json_key(&json, or_device_facts(device)->id);
    or_telemetry_write_summary(&json, &summary);
  }
  or_json_object_end(&json);
  or_json_object_end(&json);
  return or_cli_print_json(cli, &json, &text);
}

static void cell(or_cli_table_t *table, double value, const char *unit) {
  if (isfinite(value)) {
    or_cli_table_cell(table, "%.1f %s", value, unit);
  } else {
    or_cli_table_cell(table, "-");
  }
}

static int print_table(or_cli_t *cli) {
  or_cli_table_t *table = or_cli_table_create(cli, "DEVICE|>UTILISATION|>MEMORY|>TEMPERATURE|>POWER");
  for (size_t i = 0; i < or_runtime_device_count(cli->runtime); ++i) {
    or_device_t *device = or_runtime_device(cli->runtime, i);
    const or_telemetry_summary_t summary = summarize(device);
    or_cli_table_cell(table, "%s", or_device_facts(device)->id);
    cell(table, summary.utilization_percent, "%");
    cell(table, summary.memory_percent, "%");
    cell(table, summary.temperature_celsius, "°C");
    cell(table, summary.power_watts, "W");
  }
  or_cli_table_print(table, stdout);
  or_cli_table_free(table);
  return OR_EXIT_OK;
}

static or_status_t write_prometheus(or_cli_t *cli, or_metrics_registry_t *registry, or_text_t *text) {
  or_status_t status = or_status_success();
  for (size_t i = 0; or_ok(status) && i < or_runtime_device_count(cli->runtime); ++i) {
    or_device_t *device = or_runtime_device(cli->runtime, i);
    or_device_metrics_t metrics = {0};
    or_device_sample_t sample;
    or_status_t sampled = or_device_sample(device, &sample);
    status = or_device_metrics_set(&metrics, registry, device, or_ok(sampled) ? &sample : NULL);
    or_status_ignore(sampled); /* openruntime_device_available says it */
  }
  return or_ok(status) ? or_metrics_write_prometheus(registry, text) : status;
}

static int print_prometheus(or_cli_t *cli) {
  or_metrics_registry_t *registry = NULL;
  or_text_t text;
  or_text_init(&text, cli->allocator);
  or_status_t status = or_metrics_registry_create(cli->allocator, &registry);
  if (or_ok(status)) status = write_prometheus(cli, registry, &text);
  if (or_ok(status)) (void)fputs(or_text_string(&text), stdout);
  or_text_deinit(&text);
  or_metrics_registry_free(registry);
  return or_ok(status) ? OR_EXIT_OK : or_cli_fail(cli, status);
}

int or_cli_metrics_command(or_cli_t *cli) {
  if (!or_cli_runtime(cli)) return cli->code;
  if (or_cli_has(cli, "--prometheus")) {
    if (cli->json) return or_cli_usage_error(cli, "--prometheus is text of its own: leave out --json");
    return print_prometheus(cli);
  }
  return cli->json ? print_json(cli) : print_table(cli);
}
