/* The configuration file: what it sets stays within the table's bounds. */
#include <string.h>

#include "server/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(void *self, const char *problem) {
  if (!or_utf8_valid(problem, strlen(problem))) __builtin_trap();
  ++*(size_t *)self;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static or_server_config_t config;
  size_t problems = 0;
  or_config_default(&config);
  if (or_config_read(&config, "x", (const char *)data, size, count, &problems) != problems) __builtin_trap();
  for (size_t i = 0; i < or_config_key_count; ++i) {
    const or_config_key_t *key = &or_config_keys[i];
    const char *place = (const char *)&config + key->offset;
    if (key->type == OR_CONFIG_TEXT && memchr(place, '\0', OR_CONFIG_TEXT_BYTES) == NULL) __builtin_trap();
    if (key->type == OR_CONFIG_TEXT || key->type == OR_CONFIG_BOOL) continue;
    int64_t value = *(const int64_t *)(const void *)place;
    if (value < key->low || value > key->high) __builtin_trap();
  }
  if (or_status_live_count() != 0) __builtin_trap();
  return 0;
}
