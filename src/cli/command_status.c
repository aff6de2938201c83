#include "base/string.h"
#include "cli/cli.h"
#include "runtime/device_json.h"

static int status_as_json(or_cli_t *cli) {
  or_text_t text;
  or_json_writer_t json;
  or_backend_info_t info;
  or_text_init(&text, cli->allocator);
  or_json_begin(&json, &text, 2);
  or_json_object_begin(&json);
  or_json_field_string(&json, "version", or_version());
  or_json_field_string(&json, "details", or_version_details());
  or_json_key(&json, "backends");
  or_json_array_begin(&json);
  for (size_t i = 0; or_runtime_backend(cli->runtime, i, &info); ++i) {
    or_json_object_begin(&json);
    or_json_field_string(&json, "name", info.name);
    or_json_field_bool(&json, "usable", info.usable);
    or_json_field_int(&json, "devices", (int64_t)info.device_count);
    or_json_field_string(&json, "detail", info.detail);
    or_json_field_string(&json, "advice", info.advice);
    or_json_object_end(&json);
  }
  or_json_array_end(&json);
  or_json_key(&json, "devices");
  or_json_array_begin(&json);
  for (size_t i = 0; i < or_runtime_device_count(cli->runtime); ++i)
    or_device_write_json(&json, or_runtime_device(cli->runtime, i));
  or_json_array_end(&json);
  or_json_object_end(&json);
  return or_cli_print_json(cli, &json, &text);
}

int or_cli_status_command(or_cli_t *cli) {
  or_backend_info_t info;
  if (!or_cli_runtime(cli)) return cli->code;
  if (cli->json) return status_as_json(cli);
  (void)printf("%sopenruntime%s %s\n", or_cli_style(cli, OR_CLI_BOLD), or_cli_style(cli, OR_CLI_PLAIN),
               or_version_details());
  for (size_t i = 0; or_runtime_backend(cli->runtime, i, &info); ++i) {
    const char *style = or_cli_style(cli, info.usable ? OR_CLI_GREEN : OR_CLI_YELLOW);
    (void)printf("backend %s%s%s: %s\n", style, info.name, or_cli_style(cli, OR_CLI_PLAIN), info.detail);
    if (info.advice != NULL) (void)printf("  to mend it: %s\n", info.advice);
  }
  for (size_t i = 0; i < or_runtime_device_count(cli->runtime); ++i) {
    const or_device_t *device = or_runtime_device(cli->runtime, i);
    const or_device_facts_t *facts = or_device_facts(device);
    char bytes[OR_CLI_NUMBER_BYTES];
    (void)printf("device %s: %s, %u units, %s, %s\n", facts->id, facts->name, facts->compute_units,
                 or_cli_bytes(facts->memory_total_bytes, bytes, sizeof bytes), or_device_state_name(device));
  }
  return OR_EXIT_OK;
}
