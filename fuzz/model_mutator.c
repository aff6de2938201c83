/* How libFuzzer changes an ONNX file so that it stays one: by protobuf's fields, whose lengths and whose parents' are
 * written anew. A field is dropped, doubled, replaced by one of its kind from elsewhere in this or another model; a
 * number, a name, an operator, a few bytes become others. (https://protobuf.dev/programming-guides/encoding) */
#include <stdlib.h>
#include <string.h>

#include "openruntime/compute.h"

#define MAX_FIELDS 4096u
#define MAX_DEPTH 24u
#define MAX_BYTES ((size_t)64 << 10)
#define NO_PARENT UINT32_MAX
#define DONORS 64u
#define DONOR_BYTES ((size_t)4 << 10)

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

typedef enum message_t {
  LEAF,
  MODEL,
  GRAPH,
  NODE,
  ATTRIBUTE,
  TENSOR,
  SPARSE,
  VALUE,
  TYPE,
  TENSOR_TYPE,
  ELEMENT_TYPE,
  SHAPE,
  DIMENSION,
  FUNCTION,
  PAIR,
} message_t;

/* onnx.proto: which fields are messages. */
static const struct {
  message_t parent;
  uint32_t number;
  message_t child;
} children[] = {
    {MODEL, 7, GRAPH},       {MODEL, 8, PAIR},          {MODEL, 25, FUNCTION},  {GRAPH, 1, NODE},
    {GRAPH, 5, TENSOR},      {GRAPH, 11, VALUE},        {GRAPH, 12, VALUE},     {GRAPH, 13, VALUE},
    {GRAPH, 15, SPARSE},     {NODE, 5, ATTRIBUTE},      {ATTRIBUTE, 5, TENSOR}, {ATTRIBUTE, 6, GRAPH},
    {ATTRIBUTE, 10, TENSOR}, {ATTRIBUTE, 11, GRAPH},    {ATTRIBUTE, 14, TYPE},  {ATTRIBUTE, 22, SPARSE},
    {TENSOR, 13, PAIR},      {SPARSE, 1, TENSOR},       {SPARSE, 2, TENSOR},    {VALUE, 2, TYPE},
    {TYPE, 1, TENSOR_TYPE},  {TYPE, 4, ELEMENT_TYPE},   {TYPE, 8, TENSOR_TYPE}, {TYPE, 9, ELEMENT_TYPE},
    {TENSOR_TYPE, 2, SHAPE}, {ELEMENT_TYPE, 1, TYPE},   {SHAPE, 1, DIMENSION},  {FUNCTION, 7, NODE},
    {FUNCTION, 9, PAIR},     {FUNCTION, 11, ATTRIBUTE}, {FUNCTION, 12, VALUE},
};

typedef struct field_t {
  size_t begin, payload, end; /* in the file; payload: behind tag and length */
  uint32_t parent;
  message_t within, message; /* what it lies in, and what it is */
  uint32_t number, wire;
} field_t;

typedef struct fields_t {
  field_t list[MAX_FIELDS];
  uint32_t count;
} fields_t;

static fields_t ours, theirs; /* libFuzzer has one thread */
static uint64_t random_state;

static uint32_t draw(uint32_t below) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return below == 0 ? 0 : (uint32_t)(random_state >> 33) % below;
}

static message_t child_of(message_t parent, uint32_t number) {
  for (size_t i = 0; i < sizeof children / sizeof *children; ++i) {
    if (children[i].parent == parent && children[i].number == number) return children[i].child;
  }
  return LEAF;
}

static bool get_varint(const uint8_t *data, size_t *at, size_t end, uint64_t *value) {
  *value = 0;
  for (uint32_t shift = 0; shift < 64 && *at < end; shift += 7) {
    const uint8_t byte = data[(*at)++];
    *value |= (uint64_t)(byte & 0x7F) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

static size_t put_varint(uint8_t *out, uint64_t value) {
  size_t length = 0;
  for (; value >= 0x80; value >>= 7) out[length++] = (uint8_t)(value | 0x80);
  out[length++] = (uint8_t)value;
  return length;
}

/* The fields of a message, each before those inside it; as far as they can be read. */
static void collect(fields_t *fields, const uint8_t *data, field_t message, uint32_t depth) {
  const size_t end = message.end;
  for (size_t at = message.payload; at < end && fields->count < MAX_FIELDS;) {
    field_t field = {.begin = at, .parent = message.parent, .within = message.message};
    uint64_t tag = 0, value = 0;
    if (!get_varint(data, &at, end, &tag)) return;
    field.number = (uint32_t)(tag >> 3);
    field.wire = (uint32_t)(tag & 7);
    field.payload = at;
    if (field.wire == 0 && !get_varint(data, &at, end, &value)) return;
    if (field.wire == 2) {
      if (!get_varint(data, &at, end, &value) || value > end - at) return;
      field.payload = at;
      at += (size_t)value;
    }
    if (field.wire == 1) at += 8;
    if (field.wire == 5) at += 4;
    if (at > end || field.wire == 3 || field.wire == 4 || field.wire > 5) return;
    field.end = at;
    field.message = field.wire == 2 ? child_of(field.within, field.number) : LEAF;
    const uint32_t index = fields->count++;
    fields->list[index] = field;
    field.parent = index; /* of what is inside */
    if (field.message != LEAF && depth < MAX_DEPTH) collect(fields, data, field, depth + 1);
  }
}

typedef struct bytes_t {
  const uint8_t *data;
  size_t size;
} bytes_t;

/* The file with a field replaced by other bytes, and the lengths of what it lies in, in `out`, of MAX_BYTES; 0: it does
 * not fit. */
static size_t replace(bytes_t file, const field_t *field, bytes_t by, uint8_t *out) {
  static uint8_t outer[MAX_BYTES];
  size_t begin = field->begin, end = field->end, length = by.size;
  if (length > MAX_BYTES) return 0;
  memcpy(out, by.data, length);
  for (uint32_t p = field->parent;; p = ours.list[p].parent) {
    const field_t *parent = p == NO_PARENT ? NULL : &ours.list[p];
    const size_t from = parent == NULL ? 0 : parent->payload, to = parent == NULL ? file.size : parent->end;
    const size_t whole = (begin - from) + length + (to - end);
    size_t header = 0;
    if (whole + 20 > MAX_BYTES) return 0;
    if (parent != NULL) {
      header = put_varint(outer, (uint64_t)parent->number << 3 | 2);
      header += put_varint(outer + header, whole);
    }
    memcpy(outer + header, file.data + from, begin - from);
    memcpy(outer + header + (begin - from), out, length);
    memcpy(outer + header + (begin - from) + length, file.data + end, to - end);
    length = header + whole;
    memcpy(out, outer, length);
    if (parent == NULL) return length;
    begin = parent->begin;
    end = parent->end;
  }
}

static uint64_t telling_number(uint64_t before) {
  static const uint64_t numbers[] = {0,
                                     1,
                                     2,
                                     3,
                                     4,
                                     5,
                                     7,
                                     8,
                                     16,
                                     255,
                                     256,
                                     65536,
                                     UINT64_MAX,
                                     UINT64_MAX - 1,
                                     INT64_MAX,
                                     (uint64_t)INT64_MIN,
                                     INT32_MAX,
                                     (uint64_t)1 << 31,
                                     (uint64_t)1 << 35,
                                     (uint64_t)1 << 62};
  switch (draw(4)) {
  case 0: return before + 1;
  case 1: return before - 1;
  case 2: return draw(24);
  default: return numbers[draw(sizeof numbers / sizeof *numbers)];
  }
}

/* A field of the same place in the grammar: of the same message and number; inputs and outputs of nodes are alike, and
 * so are the values of a graph. */
static bool alike(const field_t *a, const field_t *b) {
  if (a->within != b->within || a->wire != b->wire)
    return a->message != LEAF && a->message == b->message && draw(8) == 0;
  if (a->within == NODE && a->number <= 2 && b->number <= 2) return true;
  if (a->within == GRAPH && a->number >= 11 && a->number <= 13) return b->number >= 11 && b->number <= 13;
  return a->number == b->number;
}

static const field_t *pick_alike(const fields_t *from, const field_t *like) {
  const uint32_t first = draw(from->count);
  for (uint32_t i = 0; i < from->count; ++i) {
    const field_t *field = &from->list[(first + i) % from->count];
    if (field != like && alike(field, like)) return field;
  }
  return NULL;
}

/* The tag of `field` and other content. */
static size_t retagged(const field_t *field, const uint8_t *content, size_t length, uint8_t *out) {
  size_t at = put_varint(out, (uint64_t)field->number << 3 | field->wire);
  if (field->wire == 2) at += put_varint(out + at, length);
  if (length > 0) memcpy(out + at, content, length);
  return at + length;
}

static size_t other_leaf(const uint8_t *data, const field_t *field, uint8_t *out) {
  static const float reals[] = {0.0F, 1.0F, -1.0F, 0.5F, 2.0F, 1e30F, -1e30F, 1e-30F, 3e9F, __builtin_nanf("")};
  static uint8_t content[MAX_BYTES];
  size_t length = field->end - field->payload, at = field->payload;
  uint64_t value = 0;
  memcpy(content, data + field->payload, length);
  if (field->wire == 0) {
    if (!get_varint(data, &at, field->end, &value)) return 0;
    length = put_varint(content, telling_number(value));
  } else if (field->wire == 5) {
    memcpy(content, &reals[draw(sizeof reals / sizeof *reals)], 4);
  } else if (field->within == NODE && field->number == 4 && draw(4) != 0) {
    or_operator_info_t info;
    if (!or_operator_info(draw((uint32_t)or_operator_count()), &info)) return 0;
    length = strlen(info.name);
    memcpy(content, info.name, length);
  } else if ((field->within == TENSOR && field->number == 1) || (field->within == ATTRIBUTE && field->number == 8)) {
    uint32_t count = draw(5);
    length = 0;
    for (uint32_t i = 0; i < count; ++i) length += put_varint(content + length, telling_number(draw(6)));
  } else if (field->wire == 2) {
    if (length > MAX_BYTES / 4) return 0;
    if (length >= 8 && draw(2) == 0) { /* a number among raw ones */
      const uint64_t number = telling_number(1);
      memcpy(content + draw((uint32_t)(length / 8)) * 8, &number, 8);
    } else {
      length = LLVMFuzzerMutate(content, length, length + 16);
    }
  }
  return retagged(field, content, length, out);
}

static bool read_fields(fields_t *fields, bytes_t file) {
  const field_t whole = {.end = file.size, .parent = NO_PARENT, .message = MODEL};
  fields->count = 0;
  if (file.size <= MAX_BYTES) collect(fields, file.data, whole, 0);
  return fields->count > 0;
}

/* Models that were changed before: parts of one come into another. */
static bytes_t draw_donor(bytes_t file) {
  static uint8_t kept[DONORS][DONOR_BYTES];
  static size_t sizes[DONORS];
  const uint32_t give = draw(DONORS), take = draw(DONORS);
  if (file.size <= DONOR_BYTES && draw(4) == 0) {
    memcpy(kept[take], file.data, file.size);
    sizes[take] = file.size;
  }
  return (bytes_t){kept[give], sizes[give]};
}

static size_t change(bytes_t file, uint8_t *out) {
  static uint8_t made[2 * MAX_BYTES];
  const field_t *field = &ours.list[draw(ours.count)], *other = NULL;
  const size_t own = field->end - field->begin;
  const bytes_t elsewhere = draw_donor(file);
  const bool cross = draw(3) == 0 && read_fields(&theirs, elsewhere);
  const uint8_t *donor = cross ? elsewhere.data : file.data;
  size_t length = 0;
  switch (draw(8)) {
  case 0: break; /* dropped */
  case 1:        /* doubled */
    memcpy(made, file.data + field->begin, own);
    memcpy(made + own, file.data + field->begin, own);
    length = 2 * own;
    break;
  case 2:
  case 3: /* replaced by one like it, or that put before it */
  case 4:
    other = pick_alike(cross ? &theirs : &ours, field);
    if (other == NULL) return 0;
    length = retagged(field, donor + other->payload, other->end - other->payload, made);
    if (draw(4) == 0) {
      memcpy(made + length, file.data + field->begin, own);
      length += own;
    }
    break;
  default: /* leaves are most of what decides */
    for (uint32_t tries = 0; tries < 64 && field->message != LEAF; ++tries) field = &ours.list[draw(ours.count)];
    if (field->message != LEAF) return 0;
    length = other_leaf(file.data, field, made);
    if (length == 0) return 0;
    break;
  }
  return replace(file, field, (bytes_t){made, length}, out);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed) {
  static uint8_t changed[MAX_BYTES];
  random_state = seed;
  if (draw(50) == 0) return LLVMFuzzerMutate(data, size, max_size); /* what is no ONNX file any more */
  for (uint32_t rounds = 1 + draw(3), tries = 0; rounds > 0 && tries < 16; ++tries) {
    const bytes_t file = {data, size};
    if (!read_fields(&ours, file)) return LLVMFuzzerMutate(data, size, max_size);
    const size_t length = change(file, changed);
    if (length == 0 || length > max_size) continue;
    memcpy(data, changed, length);
    size = length;
    --rounds;
  }
  return size;
}
