/* Bytes into messages: whatever a hostile kernel may have put there. */
#include "kernel/protocol.h"

#include <string.h>

/* Takes from the front; the first thing that can't be is kept, and nothing is taken from there on. */
typedef struct reader_t {
  const char *at;
  size_t left;
  const char *wrong; /* NULL: nothing so far */
} reader_t;

static const char *const cut = "it is cut";

static void take(reader_t *reader, void *out, size_t length) {
  if (reader->wrong == NULL && reader->left < length) reader->wrong = cut;
  if (reader->wrong != NULL) {
    memset(out, 0, length);
    return;
  }
  memcpy(out, reader->at, length);
  reader->at += length;
  reader->left -= length;
}

static uint32_t take_u32(reader_t *reader) {
  uint32_t value = 0;
  take(reader, &value, sizeof value);
  return value;
}

static uint64_t take_u64(reader_t *reader) {
  uint64_t value = 0;
  take(reader, &value, sizeof value);
  return value;
}

static bool take_bool(reader_t *reader) {
  const uint32_t value = take_u32(reader);
  if (value > 1 && reader->wrong == NULL) reader->wrong = "a truth value is neither 0 nor 1";
  return value == 1;
}

/* A text of fewer bytes than `limit`, without a zero byte; where it lies. */
static const char *take_text(reader_t *reader, size_t limit, size_t *length) {
  const size_t count = take_u32(reader);
  if (length != NULL) *length = 0;
  if (reader->wrong == NULL && count >= limit) reader->wrong = "a text is too long";
  if (reader->wrong == NULL && reader->left <= count) reader->wrong = cut;
  if (reader->wrong == NULL && memchr(reader->at, '\0', count + 1) != reader->at + count)
    reader->wrong = "a text does not end where it should";
  if (reader->wrong != NULL) return "";
  const char *text = reader->at;
  if (length != NULL) *length = count;
  reader->at += count + 1;
  reader->left -= count + 1;
  return text;
}

/* What people will see. */
static const char *take_words(reader_t *reader, size_t limit) {
  size_t length = 0;
  const char *text = take_text(reader, limit, &length);
  if (reader->wrong == NULL && !or_utf8_valid(text, length)) reader->wrong = "a text is not UTF-8";
  return reader->wrong == NULL ? text : "";
}

static or_status_t end(const reader_t *reader, const char *what) {
  const char *wrong = reader->wrong;
  if (wrong == NULL && reader->left != 0) wrong = "more follows than belongs to it";
  return wrong == NULL ? or_status_success() : or_error(OR_DATA_LOSS, "message %s of a worker: %s", what, wrong);
}

or_status_t or_worker_header_check(const or_worker_header_t *header, size_t limit) {
  if (header->magic != OR_WORKER_MAGIC) return or_error(OR_DATA_LOSS, "what a worker says is not our protocol");
  if (header->version != OR_WORKER_VERSION)
    return or_error(OR_DATA_LOSS, "a worker of another version: protocol %u, here %u", header->version,
                    OR_WORKER_VERSION);
  if (header->bytes > limit)
    return or_error(OR_DATA_LOSS, "a worker's message of %u bytes; at most %zu are read", header->bytes, limit);
  return or_status_success();
}

/* Codes that say what a kernel or its device did; whatever else a worker may say is not its to say. */
static or_status_code_t worker_code(uint32_t code) {
  switch (code) {
  case OR_OK:
  case OR_INVALID_ARGUMENT:
  case OR_OUT_OF_RANGE:
  case OR_NOT_FOUND:
  case OR_RESOURCE_EXHAUSTED:
  case OR_UNIMPLEMENTED:
  case OR_UNAVAILABLE:
  case OR_DEVICE_LOST: return (or_status_code_t)code;
  default: return OR_INTERNAL;
  }
}

static void take_outcome(reader_t *reader, or_worker_outcome_t *out) {
  out->code = worker_code(take_u32(reader));
  or_format(out->message, sizeof out->message, "%s", take_words(reader, sizeof out->message));
}

or_worker_outcome_t or_worker_outcome(or_status_t status) {
  or_worker_outcome_t outcome = {.code = or_status_code(status)};
  or_format(outcome.message, sizeof outcome.message, "%s", or_status_message(status));
  or_utf8_repair(outcome.message, strlen(outcome.message), true);
  or_status_ignore(status); /* it lives on in the outcome */
  return outcome;
}

or_status_t or_worker_outcome_status(const or_worker_outcome_t *outcome) {
  return outcome->code == OR_OK ? or_status_success() : or_error(outcome->code, "%s", outcome->message);
}

or_status_t or_worker_parse_open(const void *bytes, size_t length, or_worker_open_t *out) {
  reader_t reader = {bytes, length, NULL};
  *out = (or_worker_open_t){.device = take_text(&reader, OR_WORKER_NAME_BYTES, NULL)};
  out->backend = take_text(&reader, OR_WORKER_NAME_BYTES, NULL);
  out->cache_directory = take_text(&reader, OR_WORKER_SLACK_BYTES, NULL);
  out->scratch = take_text(&reader, OR_WORKER_SLACK_BYTES, NULL);
  out->cpu_isa = take_text(&reader, OR_WORKER_NAME_BYTES, NULL);
  out->threads = (int32_t)take_u32(&reader);
  out->vendor_libraries = take_bool(&reader);
  out->bounds_addresses = take_bool(&reader);
  out->memory_bytes = take_u64(&reader);
  return end(&reader, "OPEN");
}

or_status_t or_worker_parse_opened(const void *bytes, size_t length, or_worker_opened_t *out) {
  reader_t reader = {bytes, length, NULL};
  memset(out, 0, sizeof *out);
  take_outcome(&reader, &out->outcome);
  out->sandbox = take_u32(&reader);
  return end(&reader, "OPENED");
}

or_status_t or_worker_parse_compile(const void *bytes, size_t length, or_worker_compile_t *out) {
  reader_t reader = {bytes, length, NULL};
  *out = (or_worker_compile_t){.kernel = take_u32(&reader)};
  out->cpu_seconds = take_u32(&reader);
  out->source = take_text(&reader, SIZE_MAX, &out->source_bytes);
  out->entry = take_text(&reader, OR_WORKER_SLACK_BYTES, NULL);
  out->options = take_text(&reader, OR_WORKER_SLACK_BYTES, NULL);
  return end(&reader, "COMPILE");
}

static bool dtype_of_kernels(uint32_t dtype) {
  switch (dtype) {
  case OR_DTYPE_NONE:
  case OR_FLOAT16:
  case OR_FLOAT32:
  case OR_FLOAT64:
  case OR_INT8:
  case OR_INT16:
  case OR_INT32:
  case OR_INT64:
  case OR_UINT8:
  case OR_UINT16:
  case OR_UINT32:
  case OR_UINT64: return true;
  default: return false;
  }
}

static void take_parameter(reader_t *reader, or_kernel_parameter_t *out) {
  *out = (or_kernel_parameter_t){.name = take_words(reader, OR_WORKER_NAME_BYTES)};
  out->type = take_words(reader, OR_WORKER_NAME_BYTES);
  const uint32_t role = take_u32(reader), dtype = take_u32(reader), width = take_u32(reader);
  out->writable = take_bool(reader);
  const bool wide = width == 1 || width == 2 || width == 3 || width == 4 || width == 8 || width == 16;
  if (reader->wrong == NULL && (role > OR_KERNEL_LOCAL || !dtype_of_kernels(dtype) || !wide ||
                                (role == OR_KERNEL_SCALAR && (dtype == OR_DTYPE_NONE || out->writable)) ||
                                (role == OR_KERNEL_LOCAL && out->writable))) {
    reader->wrong = "a parameter of a kind that there is not";
  }
  out->role = (or_kernel_role_t)role;
  out->dtype = (or_dtype_t)dtype;
  out->width = width;
}

or_status_t or_worker_parse_compiled(const void *bytes, size_t length, or_worker_compiled_t *out) {
  reader_t reader = {bytes, length, NULL};
  memset(out, 0, sizeof *out);
  take_outcome(&reader, &out->outcome);
  out->log = take_words(&reader, OR_KERNEL_LOG_BYTES);
  out->binary_bytes = take_u64(&reader);
  out->local_bytes = take_u64(&reader);
  out->cached = take_bool(&reader);
  out->max_block = take_u32(&reader);
  take(&reader, out->max_blocks, sizeof out->max_blocks);
  take(&reader, out->required_block, sizeof out->required_block);
  const uint32_t count = take_u32(&reader);
  if (reader.wrong == NULL && count > OR_KERNEL_MAX_PARAMETERS) reader.wrong = "too many parameters";
  for (uint32_t i = 0; reader.wrong == NULL && i < count; ++i) take_parameter(&reader, &out->parameters[i]);
  out->parameter_count = reader.wrong == NULL ? count : 0;
  return end(&reader, "COMPILED");
}

static void take_value(reader_t *reader, or_worker_value_t *out) {
  const uint32_t role = take_u32(reader);
  memset(out, 0, sizeof *out);
  out->offset = take_u64(reader);
  out->bytes = take_u64(reader);
  if (reader->wrong == NULL && role > OR_KERNEL_LOCAL) reader->wrong = "an argument of a kind that there is not";
  out->role = (or_kernel_role_t)role;
  if (role != OR_KERNEL_SCALAR) return;
  if (reader->wrong == NULL && out->bytes > sizeof out->scalar) reader->wrong = "a scalar is too long";
  if (reader->wrong == NULL) take(reader, out->scalar, (size_t)out->bytes);
}

or_status_t or_worker_parse_run(const void *bytes, size_t length, or_worker_run_t *out) {
  reader_t reader = {bytes, length, NULL};
  memset(out, 0, sizeof *out);
  out->kernel = take_u32(&reader);
  out->cpu_seconds = take_u32(&reader);
  take(&reader, out->grid.grid, sizeof out->grid.grid);
  take(&reader, out->grid.block, sizeof out->grid.block);
  const uint32_t count = take_u32(&reader);
  if (reader.wrong == NULL && count > OR_KERNEL_MAX_PARAMETERS) reader.wrong = "too many arguments";
  for (uint32_t i = 0; reader.wrong == NULL && i < count; ++i) take_value(&reader, &out->values[i]);
  out->value_count = reader.wrong == NULL ? count : 0;
  return end(&reader, "RUN");
}

or_status_t or_worker_parse_ran(const void *bytes, size_t length, or_worker_ran_t *out) {
  reader_t reader = {bytes, length, NULL};
  memset(out, 0, sizeof *out);
  take_outcome(&reader, &out->outcome);
  out->device_ns = (int64_t)take_u64(&reader);
  return end(&reader, "RAN");
}

or_status_t or_worker_parse_forget(const void *bytes, size_t length, uint32_t *out) {
  reader_t reader = {bytes, length, NULL};
  *out = take_u32(&reader);
  return end(&reader, "FORGET");
}
