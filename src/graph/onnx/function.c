/* FunctionProto: functions that a model brings along, found by domain, name and overload, and how much a call of one
 * becomes, all that it calls included: known before anything of it is made. */
#include <string.h>

#include "base/string.h"
#include "graph/onnx/onnx_internal.h"

/* Fields of a message that holds nodes. */
#define NODES_OF_FUNCTION 7u
#define NODES_OF_GRAPH 1u

#define KEY_BYTES (3 * (OR_ONNX_MAX_NAME_BYTES + 1))

static size_t make_key(const or_onnx_text_t *domain, const or_onnx_text_t *name, const or_onnx_text_t *overload,
                       char key[KEY_BYTES]);
static or_status_t measure_nodes(or_onnx_reader_t *reader, or_wire_t message, uint32_t nodes_field, uint32_t depth,
                                 or_onnx_function_t *into);
static or_status_t measure_node(or_onnx_reader_t *reader, or_wire_t message, uint32_t depth, or_onnx_function_t *into);
static or_status_t measure_attribute(or_onnx_reader_t *reader, or_wire_t message, uint32_t depth,
                                     or_onnx_function_t *into);
static or_status_t measure_call(or_onnx_reader_t *reader, or_onnx_function_t *called, or_onnx_function_t *into);
static uint64_t saturated_sum(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

or_status_t or_onnx_add_function(or_onnx_reader_t *reader, or_wire_t message) {
  or_onnx_text_t name = {.length = 0}, domain = {.length = 0}, overload = {.length = 0};
  or_onnx_function_t function = {.message = message};
  char key[KEY_BYTES];
  const char *kept = NULL;
  uint32_t other = 0;
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    switch (field.number) {
    case 1: status = or_onnx_read_text(&field, "FunctionProto.name", &name); break;
    case 9:
      status = or_wire_expect(&field, OR_WIRE_BYTES, "FunctionProto.opset_import");
      if (or_ok(status)) status = or_onnx_read_opset(reader, field.bytes, &function.opsets);
      break;
    case 10: status = or_onnx_read_text(&field, "FunctionProto.domain", &domain); break;
    case 13: status = or_onnx_read_text(&field, "FunctionProto.overload", &overload); break;
    default: break;
    }
  }
  if (strcmp(domain.data, "ai.onnx") == 0) domain = (or_onnx_text_t){.length = 0};
  size_t length = make_key(&domain, &name, &overload, key);
  if (or_ok(status) && or_onnx_names_find(&reader->function_names, key, length, &other))
    status = or_error(OR_INVALID_ARGUMENT, "there are two functions of that name");
  if (or_ok(status) && reader->function_count == OR_ONNX_MAX_FUNCTIONS)
    status = or_error(OR_RESOURCE_EXHAUSTED, "more than %zu functions, the limit", OR_ONNX_MAX_FUNCTIONS);
  if (or_ok(status))
    status = or_grow_array(reader->allocator, reader->function_count + 1, sizeof *reader->functions,
                           (void **)&reader->functions, &reader->function_capacity);
  if (or_ok(status)) status = or_arena_strndup(&reader->root->arena, domain.data, domain.length, &function.domain);
  if (or_ok(status)) status = or_arena_strndup(&reader->root->arena, name.data, name.length, &function.name);
  if (or_ok(status)) status = or_arena_strndup(&reader->root->arena, key, length, &kept);
  if (or_ok(status))
    status = or_onnx_names_add(&reader->function_names, kept, length, (uint32_t)reader->function_count);
  if (!or_ok(status)) {
    or_free(reader->allocator, function.opsets.items);
    return or_status_context(status, "function \"%s\"", name.data);
  }
  reader->functions[reader->function_count++] = function;
  return status;
}

/* No text has a zero byte in it. */
static size_t make_key(const or_onnx_text_t *domain, const or_onnx_text_t *name, const or_onnx_text_t *overload,
                       char key[KEY_BYTES]) {
  const or_onnx_text_t *const parts[] = {domain, name, overload};
  size_t length = 0;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
    memcpy(key + length, parts[i]->data, parts[i]->length + 1);
    length += parts[i]->length + 1;
  }
  return length;
}

or_onnx_function_t *or_onnx_find_function(const or_onnx_reader_t *reader, const or_onnx_text_t *domain,
                                          const or_onnx_text_t *name, const or_onnx_text_t *overload) {
  char key[KEY_BYTES];
  uint32_t index = 0;
  size_t length = make_key(domain, name, overload, key);
  return or_onnx_names_find(&reader->function_names, key, length, &index) ? &reader->functions[index] : NULL;
}

or_status_t or_onnx_measure_function(or_onnx_reader_t *reader, or_onnx_function_t *function) {
  if (function->state == OR_ONNX_MEASURED) return or_status_success();
  const or_onnx_call_t call = {.function = function}; /* its opsets say what is an operator in it */
  or_onnx_scope_t scope = {.level = reader->scope->level, .call = &call};
  or_onnx_scope_t *before = or_onnx_enter(reader, &scope);
  function->state = OR_ONNX_MEASURING;
  ++reader->measuring;
  function->nodes = 1; /* the call: one that becomes nothing takes its time too */
  function->depth = 1;
  or_status_t status = function->opsets.count > 0 ? or_onnx_check_opsets(&function->opsets) : or_status_success();
  if (or_ok(status)) status = measure_nodes(reader, function->message, NODES_OF_FUNCTION, 0, function);
  --reader->measuring;
  function->state = or_ok(status) ? OR_ONNX_MEASURED : OR_ONNX_UNSEEN;
  (void)or_onnx_enter(reader, before);
  return or_status_context(status, "function \"%s\"", function->name);
}

static or_status_t measure_nodes(or_onnx_reader_t *reader, or_wire_t message, uint32_t nodes_field, uint32_t depth,
                                 or_onnx_function_t *into) {
  const uint32_t limit = or_onnx_max_depth(reader);
  or_wire_field_t field;
  or_status_t status = or_status_success();
  if (depth > limit)
    return or_error(OR_RESOURCE_EXHAUSTED, "graphs are nested more than %u deep, the limit: raise limits.nesting",
                    limit);
  if (nodes_field == NODES_OF_FUNCTION) into->bytes = saturated_sum(into->bytes, or_wire_length(&message));
  while (or_wire_more(&message, &field, &status)) {
    if (field.number != nodes_field) continue;
    status = or_wire_expect(&field, OR_WIRE_BYTES, "the field of nodes");
    if (or_ok(status)) status = measure_node(reader, field.bytes, depth, into);
  }
  return status;
}

static or_status_t measure_node(or_onnx_reader_t *reader, or_wire_t message, uint32_t depth, or_onnx_function_t *into) {
  or_onnx_text_t *texts = NULL; /* type, domain, overload: not on the stack, which this comes back to */
  or_wire_t again = message;
  or_wire_field_t field;
  or_onnx_function_t *called = NULL;
  or_status_t status = or_alloc_zeroed(reader->allocator, 3 * sizeof *texts, (void **)&texts);
  while (or_wire_more(&message, &field, &status)) {
    switch (field.number) {
    case 4: status = or_onnx_read_text(&field, "NodeProto.op_type", &texts[0]); break;
    case 7: status = or_onnx_read_text(&field, "NodeProto.domain", &texts[1]); break;
    case 8: status = or_onnx_read_text(&field, "NodeProto.overload", &texts[2]); break;
    default: break;
    }
  }
  if (or_ok(status)) {
    if (strcmp(texts[1].data, "ai.onnx") == 0) texts[1] = (or_onnx_text_t){.length = 0};
    if (or_onnx_standard_operator(reader, texts[1].data, texts[0].data) == NULL)
      called = or_onnx_find_function(reader, &texts[1], &texts[0], &texts[2]);
  }
  or_free(reader->allocator, texts);
  if (or_ok(status) && called != NULL) return measure_call(reader, called, into);
  into->nodes = saturated_sum(into->nodes, 1);
  while (or_wire_more(&again, &field, &status)) {
    if (field.number == 5 && field.type == OR_WIRE_BYTES) status = measure_attribute(reader, field.bytes, depth, into);
  }
  return status;
}

static or_status_t measure_attribute(or_onnx_reader_t *reader, or_wire_t message, uint32_t depth,
                                     or_onnx_function_t *into) {
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    if (field.number == 6 && field.type == OR_WIRE_BYTES)
      status = measure_nodes(reader, field.bytes, NODES_OF_GRAPH, depth + 1, into);
  }
  return status;
}

static or_status_t measure_call(or_onnx_reader_t *reader, or_onnx_function_t *called, or_onnx_function_t *into) {
  const uint32_t limit = or_onnx_max_depth(reader);
  if (called->state == OR_ONNX_MEASURING)
    return or_error(OR_INVALID_ARGUMENT, "it calls \"%s\", which is to be made of it: recursion has no end",
                    called->name);
  if (reader->measuring >= limit) /* those that stand around this call */
    return or_error(OR_RESOURCE_EXHAUSTED,
                    "functions call functions more than %u deep, the limit: raise limits.nesting", limit);
  or_status_t status = or_onnx_measure_function(reader, called);
  if (!or_ok(status)) return status;
  into->nodes = saturated_sum(into->nodes, called->nodes);
  into->bytes = saturated_sum(into->bytes, called->bytes);
  if (called->depth >= into->depth) into->depth = called->depth + 1;
  if (into->depth <= limit) return status;
  return or_error(OR_RESOURCE_EXHAUSTED,
                  "functions call functions %u deep, more than %u, the limit: raise limits.nesting", into->depth,
                  limit);
}
