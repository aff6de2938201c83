#include "task/kernel_record.h"

#include <ctype.h>
#include <string.h>

#include "base/clock.h"

bool or_kernel_name_valid(const char *name) {
  size_t length = 0;
  if (!isalpha((unsigned char)name[0]) && name[0] != '_') return false;
  for (; name[length] != '\0'; ++length) {
    if (!isalnum((unsigned char)name[length]) && name[length] != '_') return false;
  }
  return length <= OR_KERNEL_NAME_BYTES;
}

or_status_t or_kernel_record_write(const or_kernel_record_t *record, or_text_t *text) {
  or_json_writer_t json;
  or_json_begin(&json, text, 0);
  or_json_object_begin(&json);
  or_json_field_string(&json, "owner", record->owner);
  or_json_field_string(&json, "name", record->name);
  or_json_field_string(&json, "entry_point", record->entry);
  or_json_field_string(&json, "target_device", record->target);
  or_json_key(&json, "parameters");
  or_json_raw(&json, record->parameters, strlen(record->parameters));
  or_json_key(&json, "kernel");
  if (record->facts != NULL) {
    or_json_raw(&json, record->facts, strlen(record->facts));
  } else {
    or_json_null(&json);
  }
  or_json_key(&json, "source_code");
  or_json_string_n(&json, record->source, record->source_bytes);
  or_json_object_end(&json);
  return or_json_finish(&json);
}

static or_status_t copy(const or_json_value_t *value, or_text_t *text) {
  or_json_writer_t json;
  or_json_begin(&json, text, 0);
  if (value != NULL) {
    or_json_copy(&json, value);
  } else {
    or_json_null(&json);
  }
  return or_json_finish(&json);
}

static or_status_t take(const or_json_value_t *root, or_kernel_reading_t *made, or_kernel_record_t *out) {
  const or_json_value_t *source = or_json_get(root, "source_code"), *facts = or_json_get(root, "kernel");
  char field[OR_KERNEL_FIELD_BYTES];
  or_status_t status = copy(or_json_get(root, "parameters"), &made->parameters);
  if (or_ok(status)) status = or_kernel_options_read(or_json_get(root, "parameters"), &made->options, field);
  if (or_ok(status) && or_json_kind(facts) == OR_JSON_OBJECT) status = copy(facts, &made->facts);
  if (!or_ok(status)) return status;
  *out = (or_kernel_record_t){.owner = or_json_get_string(or_json_get(root, "owner"), ""),
                              .name = or_json_get_string(or_json_get(root, "name"), ""),
                              .entry = or_json_get_string(or_json_get(root, "entry_point"), ""),
                              .target = or_json_get_string(or_json_get(root, "target_device"), "auto"),
                              .source = or_json_get_string(source, ""),
                              .source_bytes = or_json_string_length(source),
                              .parameters = or_text_string(&made->parameters),
                              .options = or_text_string(&made->options),
                              .facts = made->facts.length > 0 ? or_text_string(&made->facts) : NULL};
  if (!or_kernel_name_valid(out->name) || !or_kernel_name_valid(out->entry) || out->source_bytes == 0)
    return or_error(OR_DATA_LOSS, "it is no kernel's: a name, an entry point or the source is missing");
  return status;
}

or_status_t or_kernel_record_read(const or_allocator_t *allocator, const char *text, size_t length,
                                  or_kernel_reading_t *made, or_kernel_record_t *out) {
  made->document = NULL;
  or_text_init(&made->parameters, allocator);
  or_text_init(&made->options, allocator);
  or_text_init(&made->facts, allocator);
  or_status_t status = or_json_parse(allocator, text, length, &made->document);
  if (or_ok(status)) status = take(or_json_root(made->document), made, out);
  if (or_ok(status)) return status;
  or_kernel_reading_deinit(made);
  if (or_status_code(status) != OR_INVALID_ARGUMENT) return status;
  or_status_t lost = or_error(OR_DATA_LOSS, "%s", or_status_message(status));
  or_status_ignore(status); /* in other words */
  return lost;
}

void or_kernel_reading_deinit(or_kernel_reading_t *made) {
  or_json_document_free(made->document);
  made->document = NULL;
  or_text_deinit(&made->parameters);
  or_text_deinit(&made->options);
  or_text_deinit(&made->facts);
}

static void write_block(or_json_writer_t *json, const uint32_t block[3]) {
  if (block[0] == 0) {
    or_json_null(json);
    return;
  }
  or_json_array_begin(json);
  for (int i = 0; i < 3; ++i) or_json_uint(json, block[i]);
  or_json_array_end(json);
}

static void write_parameter(or_json_writer_t *json, size_t index, const or_kernel_parameter_t *parameter) {
  static const char *const roles[] = {
      [OR_KERNEL_SCALAR] = "scalar", [OR_KERNEL_BUFFER] = "buffer", [OR_KERNEL_LOCAL] = "local"};
  or_json_object_begin(json);
  or_json_field_int(json, "index", (int64_t)index);
  or_json_field_string(json, "name", parameter->name);
  or_json_field_string(json, "type", parameter->type);
  or_json_field_string(json, "role", roles[parameter->role]);
  or_json_field_string(json, "dtype", parameter->dtype != OR_DTYPE_NONE ? or_dtype_name(parameter->dtype) : NULL);
  or_json_field_int(json, "width", parameter->width);
  or_json_field_bool(json, "writable", parameter->writable);
  or_json_object_end(json);
}

void or_kernel_facts_write(or_json_writer_t *json, const or_kernel_record_t *record, const or_kernel_facts_t *facts,
                           const char *log) {
  char when[OR_CLOCK_TEXT_BYTES];
  or_json_object_begin(json);
  or_json_field_string(json, "name", record->name);
  or_json_field_string(json, "entry_point", record->entry);
  or_json_field_string(json, "compiled_at", or_clock_format(or_clock_wall_us(), when, sizeof when));
  or_json_key(json, "binary_size");
  if (facts->binary_bytes > 0) {
    or_json_int(json, (int64_t)facts->binary_bytes);
  } else {
    or_json_null(json);
  }
  or_json_key(json, "parameters");
  or_json_raw(json, record->parameters, strlen(record->parameters));
  or_json_field_string(json, "target_device", facts->device_id);
  or_json_field_bool(json, "cached", facts->cached);
  or_json_field_string(json, "log", log);
  or_json_field_string(json, "language", facts->language);
  or_json_field_double(json, "compile_time", facts->compile_seconds);
  or_json_field_int(json, "source_bytes", (int64_t)record->source_bytes);
  or_json_field_int(json, "max_block", facts->max_block);
  or_json_key(json, "required_block");
  write_block(json, facts->required_block);
  or_json_field_int(json, "local_bytes", (int64_t)facts->local_bytes);
  or_json_key(json, "signature");
  or_json_array_begin(json);
  for (uint32_t i = 0; i < facts->parameter_count; ++i) write_parameter(json, i, &facts->parameters[i]);
  or_json_array_end(json);
  or_json_object_end(json);
}
