#include <math.h>

#include "base/string.h"
#include "cli/print.h"
#include "cli/remote.h"
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

static const char *with_unit(const or_json_value_t *value, const char *unit, char *text, size_t capacity) {
  const double number = or_json_get_double(value, (double)NAN);
  return isfinite(number) ? or_format(text, capacity, "%.1f %s", number, unit) : "-";
}

static const char *celsius(const or_json_value_t *value, char *text, size_t capacity) {
  return with_unit(value, "°C", text, capacity);
}

static const char *watts(const or_json_value_t *value, char *text, size_t capacity) {
  return with_unit(value, "W", text, capacity);
}

static const char *gflops(const or_json_value_t *value, char *text, size_t capacity) {
  return with_unit(value, "GFLOP/s", text, capacity);
}

static void print_table(or_cli_t *cli, const or_json_value_t *root) {
  static const or_cli_column_t columns[] = {{"DEVICE", NULL, NULL},
                                            {">UTILISATION", "avg_utilization", or_cli_percent_cell},
                                            {">MEMORY", "avg_memory_usage", or_cli_percent_cell},
                                            {">TEMPERATURE", "avg_temperature", celsius},
                                            {">POWER", "avg_power", watts},
                                            {">THROUGHPUT", "total_throughput", gflops}};
  OR_CLI_PRINT_ROWS(cli, or_json_get(root, "summary"), columns);
}

static int show_summary(or_cli_t *cli) {
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
  return or_cli_show_written(cli, &json, &text, print_table);
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

static int ask_server(or_cli_t *cli, bool prometheus) {
  or_client_reply_t reply;
  if (!prometheus)
    return or_cli_show_reply(cli, &(or_client_request_t){.method = "GET", .path = "/metrics/summary"}, print_table);
  const or_client_request_t request = {.method = "GET", .path = "/metrics", .accept = "text/plain"};
  or_client_reply_init(&reply, cli->allocator);
  const int code = or_cli_ask_text(cli, &request, &reply);
  if (code == OR_EXIT_OK) (void)fputs(or_text_string(&reply.body), stdout);
  or_client_reply_deinit(&reply);
  return code;
}

int or_cli_metrics_command(or_cli_t *cli) {
  const bool prometheus = or_cli_has(cli, "--prometheus");
  if (prometheus && cli->json) return or_cli_usage_error(cli, "--prometheus is text of its own: leave out --json");
  if (or_cli_is_remote(cli)) return ask_server(cli, prometheus);
  if (!or_cli_runtime(cli)) return cli->code;
  return prometheus ? print_prometheus(cli) : show_summary(cli);
}
