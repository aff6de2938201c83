/* Operator sets and operators: what the file asks for, against what the catalogue has. */
#include <string.h>

#include "base/string.h"
#include "graph/onnx/onnx_internal.h"

#define MAX_DOMAINS 16
#define TEXT_BYTES 400

static const or_onnx_opset_t *opset_of(const or_onnx_reader_t *reader, const char *domain);
static or_status_t unknown_operator(const or_onnx_reader_t *reader, const char *node, const char *domain,
                                    const char *type);
static const char *shown_domain(const char *domain) { return domain[0] != '\0' ? domain : "ai.onnx"; }
static char *known_domains(char *text, size_t capacity);
static const char *nearest_operator(const or_onnx_reader_t *reader, const char *domain, const char *type);

or_status_t or_onnx_read_opset(or_onnx_reader_t *reader, or_wire_t message, or_onnx_opsets_t *opsets) {
  or_onnx_text_t domain = {.length = 0};
  int64_t version = 0;
  or_wire_field_t field;
  or_status_t status = or_status_success();
  while (or_wire_more(&message, &field, &status)) {
    switch (field.number) {
    case 1: status = or_onnx_read_text(&field, "OperatorSetIdProto.domain", &domain); break;
    case 2: status = or_onnx_read_int(&field, "OperatorSetIdProto.version", &version); break;
    default: break;
    }
  }
  if (!or_ok(status)) return status;
  if (strcmp(domain.data, "ai.onnx") == 0) domain = (or_onnx_text_t){.length = 0};
  for (size_t i = 0; i < opsets->count; ++i) {
    if (strcmp(opsets->items[i].domain, domain.data) != 0) continue;
    if (opsets->items[i].version == version) return status;
    return or_error(OR_INVALID_ARGUMENT, "two opsets of domain \"%s\" are imported: %lld and %lld",
                    domain.length > 0 ? domain.data : "ai.onnx", (long long)opsets->items[i].version,
                    (long long)version);
  }
  if (opsets->count == OR_ONNX_MAX_OPSETS) {
    return or_error(OR_RESOURCE_EXHAUSTED, "more than %zu opsets are imported, the limit", OR_ONNX_MAX_OPSETS);
  }
  status = or_grow_array(reader->allocator, opsets->count + 1, sizeof *opsets->items, (void **)&opsets->items,
                         &opsets->capacity);
  if (!or_ok(status)) return status;
  or_onnx_opset_t *opset = &opsets->items[opsets->count];
  opset->version = version;
  status = or_arena_strndup(&reader->root->arena, domain.data, domain.length, &opset->domain);
  if (or_ok(status)) ++opsets->count;
  return status;
}

or_status_t or_onnx_check_opsets(const or_onnx_opsets_t *opsets) {
  if (opsets->count == 0) {
    return or_error(OR_INVALID_ARGUMENT,
                    "no opset is imported (ModelProto.opset_import); the file is truncated, or older than ONNX 1.2");
  }
  for (size_t i = 0; i < opsets->count; ++i) {
    const or_onnx_opset_t *opset = &opsets->items[i];
    const char *domain = shown_domain(opset->domain);
    int newest = or_op_newest_opset(opset->domain);
    if (newest == 0) continue; /* an unknown domain matters only if a node uses it */
    if (opset->version < 1) {
      return or_error(OR_INVALID_ARGUMENT, "opset %lld of %s is imported; the first is 1", (long long)opset->version,
                      domain);
    }
    if (opset->version > newest) {
      return or_error(OR_UNIMPLEMENTED,
                      "opset %lld of %s is newer than %d, the newest known here; export with opset <= %d",
                      (long long)opset->version, domain, newest, newest);
    }
  }
  return or_status_success();
}

int or_onnx_standard_opset(const or_onnx_opsets_t *opsets) {
  for (size_t i = 0; i < opsets->count; ++i) {
    if (opsets->items[i].domain[0] == '\0') return (int)opsets->items[i].version;
  }
  return 0;
}

const or_op_t *or_onnx_standard_operator(const or_onnx_reader_t *reader, const char *domain, const char *type) {
  const or_onnx_opset_t *opset = opset_of(reader, domain);
  const or_op_t *op = or_op_find(domain, type);
  return op != NULL && !op->internal && opset != NULL && or_op_version(op, (int)opset->version) != 0 ? op : NULL;
}

or_status_t or_onnx_find_operator(const or_onnx_reader_t *reader, const char *node, const char *domain,
                                  const char *type, const or_op_t **op, int *version) {
  const or_onnx_opset_t *opset = opset_of(reader, domain);
  const char *dot = domain[0] != '\0' ? "." : "";
  *op = type[0] != '\0' ? or_op_find(domain, type) : NULL;
  if (*op == NULL || (*op)->internal) return unknown_operator(reader, node, domain, type);
  if (opset == NULL) {
    return or_error(OR_INVALID_ARGUMENT, "node \"%s\" (%s%s%s): the model imports no opset of domain %s", node, domain,
                    dot, type, shown_domain(domain));
  }
  *version = or_op_version(*op, (int)opset->version);
  if (*version != 0) return or_status_success();
  return or_error(OR_UNIMPLEMENTED,
                  "node \"%s\" (%s%s%s, opset %lld): the operator came with opset %d; export with opset >= %d", node,
                  domain, dot, type, (long long)opset->version, (*op)->since[0], (*op)->since[0]);
}

/* Where an operator of another domain comes from, and how a model is had without it. The first row that fits: `begins`
 * is the operator's beginning. */
static const struct {
  const char *domain, *begins, *cure;
} cures[] = {
    {"com.microsoft", "DynamicQuantizeLSTM",
     "quantize_dynamic of ONNX Runtime writes it: give it op_types_to_quantize without \"LSTM\", or take the model "
     "before"},
    {"com.microsoft", "QLinear",
     "quantize_static of ONNX Runtime writes it: give it quant_format=QuantFormat.QDQ, or take the model before"},
    {"com.microsoft", "MatMulNBits",
     "give ONNX Runtime's quantizer quant_format=QuantFormat.QDQ, opset 21 or later, or take the model before"},
    {"com.microsoft", "",
     "an operator of ONNX Runtime's own: take the model as it was before its optimizer or quantizer, or optimize it "
     "with "
     "ORT_ENABLE_BASIC at most"},
    {"com.microsoft.nchwc", "",
     "ONNX Runtime writes it for the machine that it runs on: save the model with ORT_ENABLE_BASIC at most"},
    {"ai.onnx.ml", "", "trees, linear models and their like are not run here, neural networks are"},
    {"ai.onnx.training", "", "it trains: export the model for inference"},
    {"ai.onnx.preview.training", "", "it trains: export the model for inference"},
    {"org.pytorch.aten", "",
     "PyTorch's exporter had no ONNX operator for it: export with dynamo=True, or a higher opset"},
    {"aten", "", "PyTorch's exporter had no ONNX operator for it: export with dynamo=True, or a higher opset"},
};

static const char *cure_of(const char *domain, const char *type) {
  for (size_t i = 0; i < sizeof cures / sizeof *cures; ++i) {
    if (strcmp(cures[i].domain, domain) != 0) continue;
    if (strncmp(cures[i].begins, type, strlen(cures[i].begins)) == 0) return cures[i].cure;
  }
  return NULL;
}

static or_status_t unknown_operator(const or_onnx_reader_t *reader, const char *node, const char *domain,
                                    const char *type) {
  const char *known_cure = cure_of(domain, type);
  char domains[TEXT_BYTES], imported[64], cure[TEXT_BYTES];
  const or_onnx_opset_t *opset = opset_of(reader, domain);
  const char *nearest = nearest_operator(reader, domain, type);
  if (opset != NULL) {
    (void)or_format(imported, sizeof imported, "opset %lld", (long long)opset->version);
  } else {
    (void)or_format(imported, sizeof imported, "no opset imported");
  }
  if (or_op_newest_opset(domain) != 0) {
    (void)or_format(cure, sizeof cure, "docs/operators.md lists those of %s that are known%s%s", shown_domain(domain),
                    nearest != NULL ? ", the nearest is " : "; export without it", nearest != NULL ? nearest : "");
  } else if (known_cure != NULL) {
    (void)or_format(cure, sizeof cure, "%s", known_cure);
  } else {
    (void)or_format(cure, sizeof cure, "export with operators of ai.onnx only, opset <= %d", or_op_newest_opset(""));
  }
  return or_error(OR_UNIMPLEMENTED, "node \"%s\" (%s%s%s, %s): unknown operator; known domains: %s; %s", node, domain,
                  domain[0] != '\0' ? "." : "", type, imported, known_domains(domains, sizeof domains), cure);
}

static const or_onnx_opset_t *opset_of(const or_onnx_reader_t *reader, const char *domain) {
  const or_onnx_opsets_t *opsets =
      reader->scope->call != NULL ? &reader->scope->call->function->opsets : &reader->opsets;
  for (size_t i = 0; i < opsets->count; ++i) {
    if (strcmp(opsets->items[i].domain, domain) == 0) return &opsets->items[i];
  }
  return NULL;
}

/* "ai.onnx, openruntime": the domains of the catalogue, in its order. */
static char *known_domains(char *text, size_t capacity) {
  const char *seen[MAX_DOMAINS];
  size_t count = 0, length = 0;
  text[0] = '\0';
  for (size_t i = 0; i < or_op_count() && count < MAX_DOMAINS; ++i) {
    const char *domain = or_op_at(i)->domain;
    bool known = false;
    for (size_t j = 0; j < count; ++j) known = known || strcmp(seen[j], domain) == 0;
    if (known) continue;
    seen[count++] = domain;
    (void)or_format(text + length, capacity - length, "%s%s", length > 0 ? ", " : "", shown_domain(domain));
    length += strlen(text + length);
  }
  return text;
}

static const char *nearest_operator(const or_onnx_reader_t *reader, const char *domain, const char *type) {
  void *memory = NULL;
  or_status_t status = or_alloc_array(reader->allocator, or_op_count(), sizeof(const char *), &memory);
  if (!or_ok(status)) {
    or_status_ignore(status); /* the message goes without its suggestion */
    return NULL;
  }
  const char **names = memory;
  size_t count = 0;
  for (size_t i = 0; i < or_op_count(); ++i) {
    if (strcmp(or_op_at(i)->domain, domain) == 0) names[count++] = or_op_at(i)->name;
  }
  const char *nearest = or_string_nearest(type, names, count);
  or_free(reader->allocator, memory);
  return nearest;
}
