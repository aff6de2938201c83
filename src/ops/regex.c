#include "ops/regex.h"

#include <string.h>

#include "base/string.h"
#include "base/unicode.h"
#include "ops/regex_internal.h"

/* ---- the program ---- */

typedef enum opcode_t {
  OP_LITERAL,
  OP_CLASS,
  OP_ASSERTION,
  OP_JUMP,  /* to a */
  OP_SPLIT, /* to a and to b */
  OP_MATCH,
} opcode_t;

typedef struct instruction_t {
  opcode_t op;
  uint32_t a, b; /* a literal's code; a class' first range and their count; which assertion; targets */
} instruction_t;

/* States that are alive: `members` in the order in which they came; a state is among them if marks[state] is the
 * generation. */
typedef struct states_t {
  uint32_t *members;
  size_t count;
} states_t;

struct or_regex_t {
  const or_allocator_t *allocator;
  instruction_t *program;
  size_t count, capacity;
  or_code_set_t ranges;
  states_t now, next;
  uint32_t *stack;
  uint64_t *marks, generation;
  uint64_t steps;
};

static or_status_t compile(or_regex_t *self, const or_regex_node_t *node);
static or_status_t make_room(or_regex_t *self);

or_status_t or_regex_create(const or_allocator_t *allocator, or_string_t pattern, or_regex_t **out) {
  void *memory = NULL;
  *out = NULL;
  or_status_t status = or_alloc_zeroed(allocator, sizeof(or_regex_t), &memory);
  if (!or_ok(status)) return status;
  or_regex_t *self = memory;
  self->allocator = allocator;
  or_arena_t arena;
  or_arena_init(&arena, allocator);
  or_regex_tree_t tree = {.ranges = {.allocator = allocator}};
  status = or_regex_parse(&arena, pattern, &tree);
  self->ranges = tree.ranges;
  if (or_ok(status)) status = compile(self, tree.root);
  if (or_ok(status)) status = make_room(self);
  or_arena_deinit(&arena);
  if (!or_ok(status)) {
    or_regex_destroy(self);
    return status;
  }
  *out = self;
  return status;
}

void or_regex_destroy(or_regex_t *self) {
  if (self == NULL) return;
  or_code_set_deinit(&self->ranges);
  or_free(self->allocator, self->program);
  or_free(self->allocator, self->now.members);
  or_free(self->allocator, self->next.members);
  or_free(self->allocator, self->stack);
  or_free(self->allocator, self->marks);
  or_free(self->allocator, self);
}

static or_status_t make_room(or_regex_t *self) {
  void *memory[4] = {NULL, NULL, NULL, NULL};
  or_status_t status = or_alloc_array(self->allocator, self->count, sizeof *self->marks, &memory[0]);
  self->marks = memory[0];
  for (int i = 1; or_ok(status) && i < 4; ++i)
    status = or_alloc_array(self->allocator, self->count, sizeof(uint32_t), &memory[i]);
  self->now.members = memory[1];
  self->next.members = memory[2];
  self->stack = memory[3];
  return status;
}

static or_status_t emit(or_regex_t *self, instruction_t instruction, size_t *place) {
  if (self->count >= OR_REGEX_MAX_INSTRUCTIONS)
    return or_error(OR_RESOURCE_EXHAUSTED, "its program has more than %zu instructions, the limit",
                    OR_REGEX_MAX_INSTRUCTIONS);
  or_status_t status =
      or_grow_array(self->allocator, self->count + 1, sizeof *self->program, (void **)&self->program, &self->capacity);
  if (!or_ok(status)) return status;
  if (place != NULL) *place = self->count;
  self->program[self->count++] = instruction;
  return status;
}

static or_status_t compile_node(or_regex_t *self, const or_regex_node_t *node);

static or_status_t compile(or_regex_t *self, const or_regex_node_t *node) {
  or_status_t status = compile_node(self, node);
  return or_ok(status) ? emit(self, (instruction_t){.op = OP_MATCH}, NULL) : status;
}

/* Each alternative but the last: a split to it and to the next one, and a jump to the end behind it. */
static or_status_t compile_alternatives(or_regex_t *self, const or_regex_node_t *node) {
  or_status_t status = or_status_success();
  size_t jumps = SIZE_MAX; /* the jumps that wait for the end, each with the place of the one before in `a` */
  for (const or_regex_node_t *child = node->child; or_ok(status) && child != NULL; child = child->next) {
    size_t split = 0, jump = 0;
    if (child->next == NULL) {
      status = compile_node(self, child);
      break;
    }
    status = emit(self, (instruction_t){.op = OP_SPLIT, .a = (uint32_t)self->count + 1}, &split);
    if (or_ok(status)) status = compile_node(self, child);
    if (or_ok(status)) status = emit(self, (instruction_t){.op = OP_JUMP, .a = (uint32_t)jumps}, &jump);
    if (!or_ok(status)) break;
    jumps = jump;
    self->program[split].b = (uint32_t)self->count;
  }
  while (or_ok(status) && jumps != SIZE_MAX) {
    const uint32_t before = self->program[jumps].a;
    self->program[jumps].a = (uint32_t)self->count;
    jumps = before == UINT32_MAX ? SIZE_MAX : before;
  }
  return status;
}

/* x{n,m}: n times x, then m - n times perhaps x; x{n,}: the last of them again and again. */
static or_status_t compile_repetition(or_regex_t *self, const or_regex_node_t *node) {
  or_status_t status = or_status_success();
  size_t start = 0, split = 0, splits = SIZE_MAX;
  for (int32_t i = 0; or_ok(status) && i < node->minimum; ++i) {
    start = self->count;
    status = compile_node(self, node->child);
  }
  if (or_ok(status) && node->maximum < 0 && node->minimum > 0)
    return emit(self, (instruction_t){.op = OP_SPLIT, .a = (uint32_t)start, .b = (uint32_t)self->count + 1}, NULL);
  if (or_ok(status) && node->maximum < 0) {
    status = emit(self, (instruction_t){.op = OP_SPLIT, .a = (uint32_t)self->count + 1}, &split);
    if (or_ok(status)) status = compile_node(self, node->child);
    if (or_ok(status)) status = emit(self, (instruction_t){.op = OP_JUMP, .a = (uint32_t)split}, NULL);
    if (or_ok(status)) self->program[split].b = (uint32_t)self->count;
    return status;
  }
  for (int32_t i = node->minimum; or_ok(status) && i < node->maximum; ++i) {
    status = emit(self, (instruction_t){.op = OP_SPLIT, .a = (uint32_t)self->count + 1, .b = (uint32_t)splits}, &split);
    if (or_ok(status)) splits = split;
    if (or_ok(status)) status = compile_node(self, node->child);
  }
  while (or_ok(status) && splits != SIZE_MAX) {
    const uint32_t before = self->program[splits].b;
    self->program[splits].b = (uint32_t)self->count;
    splits = before == UINT32_MAX ? SIZE_MAX : before;
  }
  return status;
}

/* As deep as the groups, which are bounded. */
static or_status_t compile_node(or_regex_t *self, const or_regex_node_t *node) {
  or_status_t status = or_status_success();
  switch (node->kind) {
  case OR_REGEX_LITERAL: return emit(self, (instruction_t){.op = OP_LITERAL, .a = node->code}, NULL);
  case OR_REGEX_CLASS: return emit(self, (instruction_t){.op = OP_CLASS, .a = node->first, .b = node->count}, NULL);
  case OR_REGEX_ASSERTION: return emit(self, (instruction_t){.op = OP_ASSERTION, .a = node->code}, NULL);
  case OR_REGEX_ALTERNATIVE: return compile_alternatives(self, node);
  case OR_REGEX_REPEAT: return compile_repetition(self, node);
  case OR_REGEX_SEQUENCE: break;
  }
  for (const or_regex_node_t *child = node->child; or_ok(status) && child != NULL; child = child->next)
    status = compile_node(self, child);
  return status;
}

/* ---- the match ---- */

#define NO_CODE UINT32_MAX /* before the text, or behind it */

static bool is_word(uint32_t code) {
  return (code >= '0' && code <= '9') || code == '_' || (code >= 'A' && code <= 'Z') || (code >= 'a' && code <= 'z');
}

static bool holds(or_regex_assertion_t assertion, uint32_t before, uint32_t behind) {
  switch (assertion) {
  case OR_REGEX_TEXT_BEGIN: return before == NO_CODE;
  case OR_REGEX_TEXT_END: return behind == NO_CODE;
  case OR_REGEX_LINE_BEGIN: return before == NO_CODE || before == '\n';
  case OR_REGEX_LINE_END: return behind == NO_CODE || behind == '\n';
  case OR_REGEX_WORD_EDGE: return is_word(before) != is_word(behind);
  case OR_REGEX_NO_WORD_EDGE: return is_word(before) == is_word(behind);
  }
  return false;
}

/* Adds a state and all that are reached from it without a character. Each is marked when it goes on the stack, which so
 * has room for all. */
static void add_state(or_regex_t *self, states_t *states, uint32_t state, uint32_t before, uint32_t behind) {
  size_t depth = 0;
  if (self->marks[state] == self->generation) return;
  self->marks[state] = self->generation;
  self->stack[depth++] = state;
  while (depth > 0) {
    state = self->stack[--depth];
    const instruction_t *instruction = &self->program[state];
    uint32_t targets[2];
    size_t target_count = 0;
    ++self->steps;
    switch (instruction->op) {
    case OP_JUMP: targets[target_count++] = instruction->a; break;
    case OP_SPLIT:
      targets[target_count++] = instruction->a;
      targets[target_count++] = instruction->b;
      break;
    case OP_ASSERTION:
      if (holds((or_regex_assertion_t)instruction->a, before, behind)) targets[target_count++] = state + 1;
      break;
    case OP_LITERAL:
    case OP_CLASS:
    case OP_MATCH: states->members[states->count++] = state; break;
    }
    for (size_t i = 0; i < target_count; ++i) {
      if (self->marks[targets[i]] == self->generation) continue;
      self->marks[targets[i]] = self->generation;
      self->stack[depth++] = targets[i];
    }
  }
}

static bool takes(const or_regex_t *self, uint32_t state, uint32_t code) {
  const instruction_t *instruction = &self->program[state];
  if (instruction->op == OP_LITERAL) return instruction->a == code;
  return instruction->op == OP_CLASS && or_code_ranges_have(self->ranges.ranges + instruction->a, instruction->b, code);
}

/* The code point at `at`, and its bytes; NO_CODE at the end. The text is UTF-8. */
static uint32_t code_at(const char *at, const char *end, size_t *length) {
  *length = 0;
  return at < end ? or_unicode_read(at, length) : NO_CODE;
}

or_status_t or_regex_match(or_regex_t *self, or_string_t text, or_stop_t *stop, bool *out) {
  const char *at = text.length > 0 ? text.data : "", *end = at + text.length;
  *out = false;
  if (!or_utf8_valid(at, text.length)) return or_status_success();
  size_t length = 0, ahead = 0;
  uint32_t code = code_at(at, end, &length);
  self->steps = 0;
  ++self->generation;
  self->now.count = 0;
  add_state(self, &self->now, 0, NO_CODE, code);
  while (code != NO_CODE && self->now.count > 0) {
    const uint32_t behind = code_at(at + length, end, &ahead);
    ++self->generation;
    self->next.count = 0;
    self->steps += self->now.count;
    if (or_stops(stop, 4 * self->now.count)) return or_status_success();
    for (size_t i = 0; i < self->now.count; ++i) {
      if (takes(self, self->now.members[i], code)) add_state(self, &self->next, self->now.members[i] + 1, code, behind);
    }
    if (self->steps > OR_REGEX_MAX_STEPS)
      return or_error(OR_RESOURCE_EXHAUSTED, "a text of %zu bytes takes more than %llu steps, the limit", text.length,
                      (unsigned long long)OR_REGEX_MAX_STEPS);
    const states_t done = self->now;
    self->now = self->next;
    self->next = done;
    at += length;
    length = ahead;
    code = behind;
  }
  for (size_t i = 0; i < self->now.count && code == NO_CODE; ++i)
    *out = *out || self->program[self->now.members[i]].op == OP_MATCH;
  return or_status_success();
}
