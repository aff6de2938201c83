/* Messages into bytes. */
#include <string.h>

#include "kernel/protocol.h"

/* Appends to a text; the first failure is kept, and nothing is appended from there on. */
typedef struct writer_t {
  or_text_t *out;
  size_t start; /* of the header */
  or_status_t status;
} writer_t;

static void put(writer_t *writer, const void *bytes, size_t length) {
  if (or_ok(writer->status)) writer->status = or_text_append(writer->out, bytes, length);
}

static void put_u32(writer_t *writer, uint32_t value) { put(writer, &value, sizeof value); }

static void put_u64(writer_t *writer, uint64_t value) { put(writer, &value, sizeof value); }

/* Its length, then its bytes and a terminator, so that who parses can use it where it lies. */
static void put_bytes(writer_t *writer, const char *bytes, size_t length) {
  put_u32(writer, (uint32_t)length);
  put(writer, bytes, length);
  put(writer, "", 1);
}

static void put_text(writer_t *writer, const char *text) { put_bytes(writer, text, strlen(text)); }

/* What a compiler calls something: as long as a message takes. */
static void put_name(writer_t *writer, const char *name) {
  char words[OR_WORKER_NAME_BYTES];
  or_format(words, sizeof words, "%s", name);
  or_utf8_repair(words, strlen(words), strlen(name) >= sizeof words);
  put_text(writer, words);
}

static writer_t begin(or_text_t *out, or_worker_kind_t kind) {
  writer_t writer = {out, out->length, or_status_success()};
  const or_worker_header_t header = {OR_WORKER_MAGIC, OR_WORKER_VERSION, (uint16_t)kind, 0};
  put(&writer, &header, sizeof header);
  return writer;
}

static or_status_t end(writer_t *writer) {
  if (!or_ok(writer->status)) return writer->status;
  or_worker_header_t header;
  memcpy(&header, writer->out->data + writer->start, sizeof header);
  header.bytes = (uint32_t)(writer->out->length - writer->start - sizeof header);
  memcpy(writer->out->data + writer->start, &header, sizeof header);
  return writer->status;
}

static void put_outcome(writer_t *writer, const or_worker_outcome_t *outcome) {
  put_u32(writer, (uint32_t)outcome->code);
  put_text(writer, outcome->message);
}

or_status_t or_worker_write_open(const or_worker_open_t *message, or_text_t *out) {
  writer_t writer = begin(out, OR_WORKER_OPEN);
  put_text(&writer, message->device);
  put_text(&writer, message->backend);
  put_text(&writer, message->cache_directory);
  put_text(&writer, message->scratch);
  put_text(&writer, message->cpu_isa);
  put_u32(&writer, (uint32_t)message->threads);
  put_u32(&writer, message->vendor_libraries);
  put_u32(&writer, message->bounds_addresses);
  put_u64(&writer, message->memory_bytes);
  return end(&writer);
}

or_status_t or_worker_write_opened(const or_worker_opened_t *message, or_text_t *out) {
  writer_t writer = begin(out, OR_WORKER_OPENED);
  put_outcome(&writer, &message->outcome);
  put_u32(&writer, message->sandbox);
  return end(&writer);
}

or_status_t or_worker_write_compile(const or_worker_compile_t *message, or_text_t *out) {
  writer_t writer = begin(out, OR_WORKER_COMPILE);
  put_u32(&writer, message->kernel);
  put_u32(&writer, message->cpu_seconds);
  put_bytes(&writer, message->source, message->source_bytes);
  put_text(&writer, message->entry);
  put_text(&writer, message->options);
  return end(&writer);
}

or_status_t or_worker_write_compiled(const or_worker_compiled_t *message, or_text_t *out) {
  writer_t writer = begin(out, OR_WORKER_COMPILED);
  put_outcome(&writer, &message->outcome);
  put_text(&writer, message->log);
  put_u64(&writer, message->binary_bytes);
  put_u64(&writer, message->local_bytes);
  put_u32(&writer, message->cached);
  put_u32(&writer, message->max_block);
  put(&writer, message->max_blocks, sizeof message->max_blocks);
  put(&writer, message->required_block, sizeof message->required_block);
  put_u32(&writer, message->parameter_count);
  for (uint32_t i = 0; i < message->parameter_count; ++i) {
    const or_kernel_parameter_t *parameter = &message->parameters[i];
    put_name(&writer, parameter->name);
    put_name(&writer, parameter->type);
    put_u32(&writer, (uint32_t)parameter->role);
    put_u32(&writer, (uint32_t)parameter->dtype);
    put_u32(&writer, parameter->width);
    put_u32(&writer, parameter->writable);
  }
  return end(&writer);
}

or_status_t or_worker_write_run(const or_worker_run_t *message, or_text_t *out) {
  writer_t writer = begin(out, OR_WORKER_RUN);
  put_u32(&writer, message->kernel);
  put_u32(&writer, message->cpu_seconds);
  put(&writer, message->grid.grid, sizeof message->grid.grid);
  put(&writer, message->grid.block, sizeof message->grid.block);
  put_u32(&writer, message->value_count);
  for (uint32_t i = 0; i < message->value_count; ++i) {
    const or_worker_value_t *value = &message->values[i];
    put_u32(&writer, (uint32_t)value->role);
    put_u64(&writer, value->offset);
    put_u64(&writer, value->bytes);
    if (value->role == OR_KERNEL_SCALAR) put(&writer, value->scalar, (size_t)value->bytes);
  }
  return end(&writer);
}

or_status_t or_worker_write_ran(const or_worker_ran_t *message, or_text_t *out) {
  writer_t writer = begin(out, OR_WORKER_RAN);
  put_outcome(&writer, &message->outcome);
  put_u64(&writer, (uint64_t)message->device_ns);
  return end(&writer);
}

or_status_t or_worker_write_forget(uint32_t kernel, or_text_t *out) {
  writer_t writer = begin(out, OR_WORKER_FORGET);
  put_u32(&writer, kernel);
  return end(&writer);
}
