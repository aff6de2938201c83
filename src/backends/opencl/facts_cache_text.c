/* The file's text: a line a fact, "NAME VALUE"; its last line is a checksum of all before it. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backends/opencl/facts_cache_internal.h"
#include "base/numbers.h"
#include "base/string.h"

#define FIRST_LINE "openruntime opencl devices 1"
#define NUMBER_BYTES 32u

/* Every capability that facts.c may name. */
static const char *const capabilities[] = {
    "fp32", "fp64", "fp16", "int8", "subgroups", "shared_virtual_memory", "unified_memory",
};

or_status_t or_cl_facts_cache_format(const char *library, uint64_t key, const or_cl_found_t *found, uint32_t count,
                                     or_text_t *out) {
  or_status_t status =
      or_text_printf(out, FIRST_LINE "\nlibrary %s\nkey %" PRIu64 "\ndevices %" PRIu32 "\n", library, key, count);
  for (uint32_t i = 0; or_ok(status) && i < count; ++i) {
    const or_cl_found_t *device = &found[i];
    const or_device_facts_t *facts = &device->facts;
    const double clock = isnan(facts->clock_max_hz) ? 0 : facts->clock_max_hz;
    status = or_text_printf(out,
                            "platform %" PRIu32 "\nindex %" PRIu32
                            "\nversion %s\nname %s\ndriver %s\nlanguage %s\nhardware %s\n"
                            "units %" PRIu32 "\nmemory %" PRIu64 "\nclock %" PRIu64 "\nunified %d\ncapabilities",
                            device->platform, device->index, device->platform_version, facts->name,
                            facts->driver_version, facts->compute_capability, facts->hardware_id, facts->compute_units,
                            facts->memory_total_bytes, (uint64_t)clock, facts->unified_memory);
    for (uint32_t c = 0; or_ok(status) && c < facts->capability_count; ++c) {
      status = or_text_printf(out, " %s", facts->capabilities[c]);
    }
    if (or_ok(status)) status = or_text_append_string(out, "\n");
  }
  if (!or_ok(status)) return status;
  return or_text_printf(out, "checksum %016" PRIx64 "\n", or_hash_bytes(out->data, out->length, 5));
}

/* Where the next line begins, and the end of all. */
typedef struct reader_t {
  const char *at, *end;
} reader_t;

/* The rest of the next line if that begins with the word. */
static bool take(reader_t *reader, const char *word, const char **value, size_t *length) {
  size_t bytes = strlen(word);
  const char *line = reader->at, *end = memchr(line, '\n', (size_t)(reader->end - line));
  if (end == NULL || (size_t)(end - line) < bytes || memcmp(line, word, bytes) != 0) return false;
  if ((size_t)(end - line) > bytes && line[bytes] != ' ') return false;
  const char *rest = line + bytes + ((size_t)(end - line) > bytes);
  *value = rest;
  *length = (size_t)(end - rest);
  reader->at = end + 1;
  return memchr(rest, '\0', *length) == NULL;
}

static bool take_text(reader_t *reader, const char *word, char *text, size_t capacity) {
  const char *value = NULL;
  size_t length = 0;
  if (!take(reader, word, &value, &length) || length >= capacity) return false;
  memcpy(text, value, length);
  text[length] = '\0';
  return or_utf8_valid(text, length);
}

static bool take_number(reader_t *reader, const char *word, uint64_t most, uint64_t *out) {
  char text[NUMBER_BYTES], *end = NULL;
  if (!take_text(reader, word, text, sizeof text) || text[0] < '0' || text[0] > '9') return false;
  *out = strtoull(text, &end, 10);
  return *end == '\0' && *out <= most;
}

static bool take_capabilities(reader_t *reader, or_device_facts_t *facts) {
  char text[512], *rest = NULL;
  if (!take_text(reader, "capabilities", text, sizeof text)) return false;
  for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
    size_t i = 0, known = sizeof capabilities / sizeof *capabilities;
    while (i < known && strcmp(capabilities[i], word) != 0) ++i;
    if (i == known || facts->capability_count == OR_DEVICE_MAX_CAPABILITIES) return false;
    facts->capabilities[facts->capability_count++] = capabilities[i];
  }
  return true;
}

static bool take_device(reader_t *reader, uint32_t number, or_cl_found_t *out) {
  uint64_t platform = 0, index = 0, units = 0, clock = 0, unified = 0;
  *out = (or_cl_found_t){0};
  or_device_facts_t *facts = &out->facts;
  bool whole = take_number(reader, "platform", UINT32_MAX, &platform) &&
               take_number(reader, "index", UINT32_MAX, &index) &&
               take_text(reader, "version", out->platform_version, sizeof out->platform_version) &&
               take_text(reader, "name", facts->name, sizeof facts->name) &&
               take_text(reader, "driver", facts->driver_version, sizeof facts->driver_version) &&
               take_text(reader, "language", facts->compute_capability, sizeof facts->compute_capability) &&
               take_text(reader, "hardware", facts->hardware_id, sizeof facts->hardware_id) &&
               take_number(reader, "units", UINT32_MAX, &units) &&
               take_number(reader, "memory", UINT64_MAX, &facts->memory_total_bytes) &&
               take_number(reader, "clock", UINT64_C(1) << 50, &clock) && take_number(reader, "unified", 1, &unified) &&
               take_capabilities(reader, facts);
  if (!whole || facts->name[0] == '\0' || facts->hardware_id[0] == '\0') return false;
  (void)or_format(facts->type, sizeof facts->type, "opencl");
  (void)or_format(facts->id, sizeof facts->id, "opencl_%" PRIu32, number);
  out->platform = (uint32_t)platform;
  out->index = (uint32_t)index;
  facts->compute_units = (uint32_t)units;
  facts->clock_max_hz = clock > 0 ? (double)clock : OR_UNKNOWN_F;
  facts->unified_memory = unified != 0;
  return true;
}

bool or_cl_facts_cache_parse(const char *text, size_t length, or_cl_facts_file_t *file, or_cl_found_t *found,
                             uint32_t capacity, uint32_t *count) {
  reader_t reader = {text, text + length};
  const char *value = NULL;
  size_t bytes = 0;
  uint64_t devices = 0;
  char checksum[NUMBER_BYTES], expected[NUMBER_BYTES];
  *count = 0;
  if (!take(&reader, FIRST_LINE, &value, &bytes) || bytes != 0) return false;
  if (!take(&reader, "library", &file->library, &file->library_bytes)) return false;
  if (!take_number(&reader, "key", UINT64_MAX, &file->key)) return false;
  if (!take_number(&reader, "devices", capacity, &devices)) return false;
  for (uint32_t i = 0; i < devices; ++i) {
    if (!take_device(&reader, i, &found[i])) return false;
  }
  const size_t covered = (size_t)(reader.at - text);
  if (!take_text(&reader, "checksum", checksum, sizeof checksum) || reader.at != reader.end) return false;
  (void)or_format(expected, sizeof expected, "%016" PRIx64, or_hash_bytes(text, covered, 5));
  if (strcmp(checksum, expected) != 0) return false;
  *count = (uint32_t)devices;
  return true;
}
