/* RE2's syntax, read into a tree. */
#include <string.h>

#include "base/string.h"
#include "base/unicode.h"
#include "ops/regex_internal.h"
#include "ops/strings.h"

typedef struct flags_t {
  bool fold, lines, dot_newline;
} flags_t;

/* The names of a pattern's groups, which are all different. */
typedef struct name_t {
  or_string_t text;
  struct name_t *next;
} name_t;

/* What was read of one group so far: its finished alternatives, and the one that is being read. */
typedef struct group_t {
  or_regex_node_t *alternatives, *sequence;
  flags_t flags; /* outside it */
  bool repeated; /* a repetition was the last that was read */
} group_t;

typedef struct parser_t {
  or_arena_t *arena;
  const char *start, *at, *end;
  flags_t flags;
  name_t *names;
  or_regex_tree_t *tree;
  or_code_cases_t cases;
  size_t depth, category_count;
  group_t groups[OR_REGEX_MAX_DEPTH + 1];
} parser_t;

static or_status_t parse_one(parser_t *self);
static or_status_t parse_group(parser_t *self);
static or_status_t parse_class(parser_t *self);
static or_status_t parse_escape(parser_t *self);
static or_status_t parse_repetition(parser_t *self, int32_t minimum, int32_t maximum);
static bool read_count(parser_t *self, int32_t *minimum, int32_t *maximum);
static or_status_t begin_group(parser_t *self);
static or_regex_node_t *end_group(parser_t *self);
static or_status_t begin_alternative(parser_t *self);

/* "…: WHAT at byte 3". */
static or_status_t wrong(const parser_t *self, const char *at, const char *what) {
  return or_error(OR_INVALID_ARGUMENT, "%s at byte %zu", what, (size_t)(at - self->start));
}

or_status_t or_regex_parse(or_arena_t *arena, or_string_t pattern, or_regex_tree_t *out) {
  void *memory = NULL;
  if (pattern.length > OR_REGEX_MAX_BYTES)
    return or_error(OR_RESOURCE_EXHAUSTED, "it has %zu bytes, more than %zu, the limit", pattern.length,
                    OR_REGEX_MAX_BYTES);
  if (!or_utf8_valid(pattern.length > 0 ? pattern.data : "", pattern.length))
    return or_error(OR_INVALID_ARGUMENT, "it is no UTF-8");
  or_status_t status = or_arena_alloc(arena, sizeof(parser_t), &memory);
  if (!or_ok(status)) return status;
  parser_t *self = memory;
  *self = (parser_t){.arena = arena, .start = pattern.length > 0 ? pattern.data : "", .tree = out};
  self->cases.allocator = arena->allocator;
  self->at = self->start;
  self->end = self->start + pattern.length;
  status = begin_group(self);
  while (or_ok(status) && self->at < self->end) status = parse_one(self);
  or_code_cases_deinit(&self->cases);
  if (or_ok(status) && self->depth > 1) status = wrong(self, self->end, "a group is not closed");
  if (or_ok(status)) out->root = end_group(self);
  return status;
}

/* ---- the tree ---- */

static or_status_t new_node(parser_t *self, or_regex_kind_t kind, or_regex_node_t **out) {
  void *memory = NULL;
  or_status_t status = or_arena_alloc(self->arena, sizeof(or_regex_node_t), &memory);
  *out = memory;
  if (or_ok(status)) (*out)->kind = kind;
  return status;
}

static void append(or_regex_node_t *parent, or_regex_node_t *child) {
  if (parent->last != NULL) {
    parent->last->next = child;
  } else {
    parent->child = child;
  }
  parent->last = child;
}

static group_t *current(parser_t *self) { return &self->groups[self->depth - 1]; }

static or_status_t push(parser_t *self, or_regex_kind_t kind, or_regex_node_t **out) {
  or_status_t status = new_node(self, kind, out);
  if (!or_ok(status)) return status;
  append(current(self)->sequence, *out);
  current(self)->repeated = false;
  return status;
}

static or_status_t push_assertion(parser_t *self, or_regex_assertion_t assertion) {
  or_regex_node_t *node = NULL;
  or_status_t status = push(self, OR_REGEX_ASSERTION, &node);
  if (or_ok(status)) node->code = (uint32_t)assertion;
  return status;
}

/* Takes what is in the set, which is normalised. */
static or_status_t push_set(parser_t *self, const or_code_set_t *set) {
  or_regex_node_t *node = NULL;
  or_status_t status = push(self, OR_REGEX_CLASS, &node);
  if (!or_ok(status)) return status;
  node->first = (uint32_t)self->tree->ranges.count;
  node->count = (uint32_t)set->count;
  return or_code_set_add_all(&self->tree->ranges, set);
}

static or_status_t push_literal(parser_t *self, uint32_t code) {
  or_regex_node_t *node = NULL;
  if (!self->flags.fold) {
    or_status_t status = push(self, OR_REGEX_LITERAL, &node);
    if (or_ok(status)) node->code = code;
    return status;
  }
  or_code_set_t set = {.allocator = self->arena->allocator};
  or_status_t status = or_code_set_add(&set, code, code);
  if (or_ok(status)) status = or_code_set_fold(&set, &self->cases);
  if (or_ok(status)) status = push_set(self, &set);
  or_code_set_deinit(&set);
  return status;
}

static or_status_t push_any(parser_t *self) {
  or_code_set_t set = {.allocator = self->arena->allocator};
  or_status_t status = or_code_set_add(&set, 0, self->flags.dot_newline ? OR_REGEX_LAST : '\n' - 1);
  if (or_ok(status) && !self->flags.dot_newline) status = or_code_set_add(&set, '\n' + 1, OR_REGEX_LAST);
  if (or_ok(status)) status = push_set(self, &set);
  or_code_set_deinit(&set);
  return status;
}

/* ---- groups and what stands in them ---- */

static uint32_t take(parser_t *self) {
  size_t length = 0;
  const uint32_t code = or_unicode_read(self->at, &length);
  self->at += length;
  return code;
}

static bool next_is(const parser_t *self, const char *text) {
  const size_t length = strlen(text);
  return (size_t)(self->end - self->at) >= length && memcmp(self->at, text, length) == 0;
}

static bool accept(parser_t *self, const char *text) {
  if (!next_is(self, text)) return false;
  self->at += strlen(text);
  return true;
}

static or_status_t begin_group(parser_t *self) {
  if (self->depth > OR_REGEX_MAX_DEPTH)
    return or_error(OR_RESOURCE_EXHAUSTED, "its groups are nested deeper than %d, the limit", OR_REGEX_MAX_DEPTH);
  group_t *group = &self->groups[self->depth++];
  *group = (group_t){.flags = self->flags};
  or_status_t status = new_node(self, OR_REGEX_ALTERNATIVE, &group->alternatives);
  return or_ok(status) ? begin_alternative(self) : status;
}

static or_status_t begin_alternative(parser_t *self) {
  group_t *group = current(self);
  or_status_t status = new_node(self, OR_REGEX_SEQUENCE, &group->sequence);
  if (or_ok(status)) append(group->alternatives, group->sequence);
  group->repeated = false;
  return status;
}

static or_regex_node_t *end_group(parser_t *self) {
  const group_t *group = &self->groups[--self->depth];
  self->flags = group->flags;
  return group->alternatives;
}

static or_status_t parse_one(parser_t *self) {
  const char *at = self->at;
  int32_t minimum = 0, maximum = -1;
  or_regex_node_t *group = NULL;
  if (*at == '{' && read_count(self, &minimum, &maximum)) return parse_repetition(self, minimum, maximum);
  switch (*at) {
  case '*': return ++self->at, parse_repetition(self, 0, -1);
  case '+': return ++self->at, parse_repetition(self, 1, -1);
  case '?': return ++self->at, parse_repetition(self, 0, 1);
  case '(': return parse_group(self);
  case '[': return parse_class(self);
  case '\\': return parse_escape(self);
  case '.': return ++self->at, push_any(self);
  case '|': return ++self->at, begin_alternative(self);
  case '^': ++self->at; return push_assertion(self, self->flags.lines ? OR_REGEX_LINE_BEGIN : OR_REGEX_TEXT_BEGIN);
  case '$': ++self->at; return push_assertion(self, self->flags.lines ? OR_REGEX_LINE_END : OR_REGEX_TEXT_END);
  case ')':
    if (self->depth == 1) return wrong(self, at, "a group ends that did not begin");
    ++self->at;
    group = end_group(self);
    append(current(self)->sequence, group);
    current(self)->repeated = false;
    return or_status_success();
  default: return push_literal(self, take(self));
  }
}

/* Flags "ims-U" after "(?"; ended by ')' or ':'. U, which swaps greedy and lazy, changes nothing here. */
static or_status_t parse_flags(parser_t *self) {
  const char *start = self->at;
  flags_t flags = self->flags;
  bool value = true, any = false;
  for (; self->at < self->end; ++self->at) {
    switch (*self->at) {
    case 'i': flags.fold = value; break;
    case 'm': flags.lines = value; break;
    case 's': flags.dot_newline = value; break;
    case 'U': break;
    case '-':
      if (!value) return wrong(self, self->at, "flags are taken away twice");
      value = false;
      any = false;
      continue;
    case ':':
    case ')': {
      if (!value && !any) return wrong(self, self->at, "no flag is taken away");
      or_status_t status = or_status_success();
      current(self)->repeated = false;
      if (*self->at++ == ':') status = begin_group(self);
      self->flags = flags;
      return status;
    }
    default: return wrong(self, self->at, "there is no such flag or group");
    }
    any = true;
  }
  return wrong(self, start, "flags do not end");
}

static or_status_t parse_name(parser_t *self) {
  const char *start = self->at;
  void *memory = NULL;
  while (self->at < self->end && *self->at != '>') {
    if (!or_unicode_is(take(self), OR_UNICODE_LETTER | OR_UNICODE_WORD))
      return wrong(self, start, "the name of a group has something else than letters, digits and _");
  }
  const or_string_t text = {.data = start, .length = (size_t)(self->at - start)};
  if (text.length == 0 || !accept(self, ">")) return wrong(self, start, "the name of a group is empty or does not end");
  for (const name_t *name = self->names; name != NULL; name = name->next) {
    if (or_string_same(name->text, text)) return wrong(self, start, "the name of a group is given twice");
  }
  or_status_t status = or_arena_alloc(self->arena, sizeof(name_t), &memory);
  if (!or_ok(status)) return status;
  name_t *name = memory;
  *name = (name_t){.text = text, .next = self->names};
  self->names = name;
  return begin_group(self);
}

static or_status_t parse_group(parser_t *self) {
  ++self->at;
  if (!next_is(self, "?")) return begin_group(self);
  if (accept(self, "?P<")) return parse_name(self);
  if (next_is(self, "?<=") || next_is(self, "?<!") || next_is(self, "?=") || next_is(self, "?!"))
    return wrong(self, self->at, "nothing looks ahead or behind in RE2's syntax:");
  if (accept(self, "?<")) return parse_name(self);
  ++self->at;
  return parse_flags(self);
}

/* ---- repetition ---- */

static bool read_digits(parser_t *self, int32_t *out) {
  const char *start = self->at;
  *out = 0;
  for (; self->at < self->end && *self->at >= '0' && *self->at <= '9'; ++self->at) {
    if (*out <= OR_REGEX_MAX_COUNT) *out = *out * 10 + (*self->at - '0');
  }
  return self->at > start && (*start != '0' || self->at == start + 1);
}

/* {n}, {n,} or {n,m}; anything else is no repetition, and nothing is taken. */
static bool read_count(parser_t *self, int32_t *minimum, int32_t *maximum) {
  const char *start = self->at++;
  bool known = read_digits(self, minimum);
  *maximum = *minimum;
  if (known && accept(self, ",")) {
    *maximum = -1;
    if (!next_is(self, "}")) known = read_digits(self, maximum);
  }
  known = known && accept(self, "}");
  if (!known) self->at = start;
  return known;
}

/* Counts of nested repetitions, multiplied; more than `limit` give 0. The tree is as deep as the groups. */
static int32_t count_left(const or_regex_node_t *node, int32_t limit) {
  if (node->kind == OR_REGEX_REPEAT) {
    const int32_t count = node->maximum < 0 ? node->minimum : node->maximum;
    if (count > 0) limit /= count;
  }
  int32_t least = limit;
  for (const or_regex_node_t *child = node->child; child != NULL; child = child->next) {
    const int32_t left = count_left(child, limit);
    if (left < least) least = left;
  }
  return least;
}

static or_status_t parse_repetition(parser_t *self, int32_t minimum, int32_t maximum) {
  const char *at = self->at;
  group_t *group = current(self);
  or_regex_node_t *repeated = group->sequence->last, *inner = NULL;
  if (group->repeated) return wrong(self, at, "a repetition is repeated");
  if (repeated == NULL) return wrong(self, at, "nothing is repeated");
  if (minimum > OR_REGEX_MAX_COUNT || maximum > OR_REGEX_MAX_COUNT || (maximum >= 0 && maximum < minimum))
    return wrong(self, at, "a count of repetitions is beyond 1000, or they are in the wrong order");
  or_status_t status = new_node(self, OR_REGEX_REPEAT, &inner);
  if (!or_ok(status)) return status;
  /* The node keeps its place and becomes the repetition of what it was. */
  or_regex_node_t *next = repeated->next;
  *inner = *repeated;
  inner->next = NULL;
  *repeated = (or_regex_node_t){.kind = OR_REGEX_REPEAT, .minimum = minimum, .maximum = maximum, .next = next};
  append(repeated, inner);
  group->repeated = true;
  (void)accept(self, "?"); /* as few as possible: the same where all of the text must match */
  if ((minimum > 1 || maximum > 1) && count_left(repeated, OR_REGEX_MAX_COUNT) == 0)
    return wrong(self, at, "counts of nested repetitions, multiplied, are beyond 1000");
  return status;
}

/* ---- escapes and classes ---- */

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = (char)(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static or_status_t read_hex(parser_t *self, const char *start, uint32_t *out) {
  const bool braces = accept(self, "{");
  size_t digits = 0;
  *out = 0;
  while (self->at < self->end && hex_digit(*self->at) >= 0 && (braces || digits < 2)) {
    *out = *out * 16 + (uint32_t)hex_digit(*self->at++);
    ++digits;
    if (*out > OR_REGEX_LAST) return wrong(self, start, "a code point is beyond 10FFFF");
  }
  if (digits == 0 || (braces ? !accept(self, "}") : digits != 2))
    return wrong(self, start, "\\x needs two hexadecimal digits, or braces around some");
  return or_status_success();
}

static bool is_octal(const parser_t *self) { return self->at < self->end && *self->at >= '0' && *self->at <= '7'; }

/* One character behind a backslash, which is taken already. */
static or_status_t read_escape(parser_t *self, uint32_t *out) {
  static const char names[] = "aftnrv", codes[] = "\a\f\t\n\r\v";
  const char *start = self->at - 1;
  if (self->at == self->end) return wrong(self, start, "nothing is escaped");
  const char c = *self->at;
  const bool alnum = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
  const char *name = strchr(names, c);
  if (name != NULL && c != '\0') {
    ++self->at;
    *out = (uint32_t)codes[name - names];
    return or_status_success();
  }
  if (c == 'x') return ++self->at, read_hex(self, start, out);
  if (c >= '0' && c <= '7') {
    ++self->at;
    if (c != '0' && !is_octal(self)) return wrong(self, start, "groups are not referred to in RE2's syntax:");
    *out = (uint32_t)(c - '0');
    for (int i = 0; i < 2 && is_octal(self); ++i) *out = *out * 8 + (uint32_t)(*self->at++ - '0');
    return or_status_success();
  }
  if (alnum || (unsigned char)c >= 0x80) return wrong(self, start, "there is no such escape");
  *out = (uint32_t)*self->at++;
  return or_status_success();
}

/* Adds a class, or all that is not in it; `one` is given up. */
static or_status_t add_signed(parser_t *self, or_code_set_t *set, or_code_set_t *one, bool negated) {
  or_status_t status = or_status_success();
  or_code_set_normalize(one);
  if (self->flags.fold) status = or_code_set_fold(one, &self->cases);
  if (or_ok(status) && negated) status = or_code_set_negate(one);
  if (or_ok(status)) status = or_code_set_add_all(set, one);
  return status;
}

/* \pN, \p{Greek}, \P…, \p{^…}; the backslash is next. */
static or_status_t parse_category(parser_t *self, or_code_set_t *one, bool *negated) {
  const char *start = self->at;
  bool known = false;
  *negated = self->at[1] == 'P';
  if (++self->category_count > OR_REGEX_MAX_CATEGORIES)
    return or_error(OR_RESOURCE_EXHAUSTED, "it names more than %d categories, the limit", OR_REGEX_MAX_CATEGORIES);
  self->at += 2;
  if (self->at == self->end) return wrong(self, start, "the name of a category is missing");
  or_string_t name = {.data = self->at};
  if (accept(self, "{")) {
    name.data = self->at;
    while (self->at < self->end && *self->at != '}') ++self->at;
    name.length = (size_t)(self->at - name.data);
    if (!accept(self, "}")) return wrong(self, start, "the name of a category does not end");
    if (name.length > 0 && name.data[0] == '^') {
      *negated = !*negated;
      name = (or_string_t){name.data + 1, name.length - 1};
    }
  } else {
    (void)take(self);
    name.length = (size_t)(self->at - name.data);
  }
  or_status_t status = or_code_set_add_category(one, name, &known);
  if (!or_ok(status) || known) return status;
  return or_error(OR_UNIMPLEMENTED, "\"%.*s\" at byte %zu is no general category, and scripts are not known here",
                  name.length < 40 ? (int)name.length : 40, name.data, (size_t)(start - self->start));
}

/* A class with a name, if one stands here: \d, \pL and their like, and inside brackets [:alpha:]. */
static or_status_t add_named(parser_t *self, or_code_set_t *set, bool brackets, bool *found) {
  const char *at = self->at;
  or_code_set_t one = {.allocator = set->allocator};
  or_status_t status = or_status_success();
  bool negated = false;
  const char c = at[0] == '\\' && self->end - at > 1 ? at[1] : '\0';
  *found = true;
  if (c != '\0' && strchr("dDsSwW", c) != NULL) {
    self->at += 2;
    negated = (c & 0x20) == 0;
    status = or_code_set_add_perl(&one, (char)(c | 0x20));
  } else if (c == 'p' || c == 'P') {
    status = parse_category(self, &one, &negated);
  } else if (brackets && accept(self, "[:")) {
    const char *name = self->at;
    while (self->at < self->end && !next_is(self, ":]")) ++self->at;
    if (self->at == self->end) {
      self->at = at; /* just a bracket */
      *found = false;
    } else {
      negated = *name == '^';
      if (negated) ++name;
      bool known = false;
      status =
          or_code_set_add_posix(&one, (or_string_t){name, self->at > name ? (size_t)(self->at - name) : 0}, &known);
      if (or_ok(status) && !known) status = wrong(self, at, "there is no such class");
      self->at += 2;
    }
  } else {
    *found = false;
  }
  if (or_ok(status) && *found) status = add_signed(self, set, &one, negated);
  or_code_set_deinit(&one);
  return status;
}

static or_status_t read_member(parser_t *self, uint32_t *out) {
  if (self->at == self->end) return wrong(self, self->at, "a class is not closed");
  if (accept(self, "\\")) return read_escape(self, out);
  *out = take(self);
  return or_status_success();
}

static or_status_t add_range(parser_t *self, or_code_set_t *set) {
  const char *at = self->at;
  uint32_t low = 0;
  or_status_t status = read_member(self, &low);
  uint32_t high = low;
  const bool range = next_is(self, "-") && self->end - self->at > 1 && self->at[1] != ']';
  if (or_ok(status) && range) {
    ++self->at;
    status = read_member(self, &high);
  }
  if (or_ok(status) && high < low) status = wrong(self, at, "a range ends before it begins");
  return or_ok(status) ? or_code_set_add(set, low, high) : status;
}

static or_status_t parse_class(parser_t *self) {
  const char *start = self->at++;
  or_code_set_t set = {.allocator = self->arena->allocator};
  const bool negated = accept(self, "^");
  or_status_t status = or_status_success();
  for (bool first = true; or_ok(status) && (first || !next_is(self, "]")); first = false) {
    bool found = false;
    if (self->at == self->end) {
      status = wrong(self, start, "a class is not closed");
      break;
    }
    status = add_named(self, &set, true, &found);
    if (or_ok(status) && !found) status = add_range(self, &set);
  }
  if (or_ok(status)) {
    ++self->at;
    or_code_set_normalize(&set);
    if (self->flags.fold) status = or_code_set_fold(&set, &self->cases);
  }
  if (or_ok(status) && negated) status = or_code_set_negate(&set);
  if (or_ok(status)) status = push_set(self, &set);
  or_code_set_deinit(&set);
  return status;
}

/* \Q…\E: all literal. */
static or_status_t parse_quoted(parser_t *self) {
  or_status_t status = or_status_success();
  while (or_ok(status) && self->at < self->end && !accept(self, "\\E")) status = push_literal(self, take(self));
  return status;
}

static or_status_t parse_escape(parser_t *self) {
  const char *at = self->at;
  bool found = false;
  if (accept(self, "\\A")) return push_assertion(self, OR_REGEX_TEXT_BEGIN);
  if (accept(self, "\\z")) return push_assertion(self, OR_REGEX_TEXT_END);
  if (accept(self, "\\b")) return push_assertion(self, OR_REGEX_WORD_EDGE);
  if (accept(self, "\\B")) return push_assertion(self, OR_REGEX_NO_WORD_EDGE);
  if (accept(self, "\\Q")) return parse_quoted(self);
  if (accept(self, "\\C"))
    return or_error(OR_UNIMPLEMENTED, "single bytes of characters (\\C, at byte %zu)", (size_t)(at - self->start));
  or_code_set_t set = {.allocator = self->arena->allocator};
  or_status_t status = add_named(self, &set, false, &found);
  if (or_ok(status) && found) {
    or_code_set_normalize(&set);
    status = push_set(self, &set);
  }
  or_code_set_deinit(&set);
  if (!or_ok(status) || found) return status;
  uint32_t code = 0;
  ++self->at;
  status = read_escape(self, &code);
  return or_ok(status) ? push_literal(self, code) : status;
}
