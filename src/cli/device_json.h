#ifndef OR_CLI_DEVICE_JSON_H
#define OR_CLI_DEVICE_JSON_H
#include "cli/cli.h"

/* Writes a Device object (docs/api.md) with `current_metrics` sampled now. */
void or_cli_write_device(or_json_writer_t *json, or_device_t *device);
const char *or_cli_device_state_name(const or_device_t *device);

#endif
