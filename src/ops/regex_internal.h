#ifndef OR_OPS_REGEX_INTERNAL_H
#define OR_OPS_REGEX_INTERNAL_H
/* What the parser, the sets of code points and the program of a regular expression share. */

#include "ops/regex.h"

#define OR_REGEX_LAST 0x10FFFFu

/* ---- sets of code points ---- */

typedef struct or_code_range_t {
  uint32_t low, high;
} or_code_range_t;

typedef struct or_code_set_t {
  const or_allocator_t *allocator;
  or_code_range_t *ranges;
  size_t count, capacity;
} or_code_set_t;
void or_code_set_deinit(or_code_set_t *self);
or_status_t or_code_set_add(or_code_set_t *self, uint32_t low, uint32_t high);
or_status_t or_code_set_add_all(or_code_set_t *self, const or_code_set_t *other);
/* Sorts and joins the ranges; the rest needs that. */
void or_code_set_normalize(or_code_set_t *self);
bool or_code_ranges_have(const or_code_range_t *ranges, size_t count, uint32_t code);
/* Characters that differ in case only, one group behind the other, in the order of `folded`. Made when it is first
 * needed; begins zeroed but for the allocator. */
typedef struct or_code_case_t {
  uint32_t folded, code;
} or_code_case_t;
typedef struct or_code_cases_t {
  const or_allocator_t *allocator;
  or_code_case_t *pairs;
  size_t count, capacity;
} or_code_cases_t;
void or_code_cases_deinit(or_code_cases_t *self);
/* Adds whatever differs from an element in case only, and normalises. */
or_status_t or_code_set_fold(or_code_set_t *self, or_code_cases_t *cases);
or_status_t or_code_set_negate(or_code_set_t *self);
/* Adds a class by its name: "d", "s", "w"; "alpha", "word", … of [[:alpha:]]; general categories "Lu", "L", and "Any".
 * *known is false for another name. */
or_status_t or_code_set_add_perl(or_code_set_t *self, char name);
or_status_t or_code_set_add_posix(or_code_set_t *self, or_string_t name, bool *known);
or_status_t or_code_set_add_category(or_code_set_t *self, or_string_t name, bool *known);

/* ---- the tree that the parser makes ---- */

typedef enum or_regex_kind_t {
  OR_REGEX_SEQUENCE,    /* of its children; none: matches the empty text */
  OR_REGEX_ALTERNATIVE, /* one of its children */
  OR_REGEX_REPEAT,      /* of its child, minimum to maximum times; maximum < 0: no limit */
  OR_REGEX_LITERAL,
  OR_REGEX_CLASS,
  OR_REGEX_ASSERTION,
} or_regex_kind_t;

typedef enum or_regex_assertion_t {
  OR_REGEX_TEXT_BEGIN,
  OR_REGEX_TEXT_END,
  OR_REGEX_LINE_BEGIN,
  OR_REGEX_LINE_END,
  OR_REGEX_WORD_EDGE,
  OR_REGEX_NO_WORD_EDGE,
} or_regex_assertion_t;

typedef struct or_regex_node_t {
  or_regex_kind_t kind;
  uint32_t code;                 /* a literal's; of an assertion which one */
  uint32_t first, count;         /* a class' ranges */
  int32_t minimum, maximum;      /* of a repetition */
  struct or_regex_node_t *child; /* the first one */
  struct or_regex_node_t *last;  /* the last one */
  struct or_regex_node_t *next;  /* its sibling */
} or_regex_node_t;

typedef struct or_regex_tree_t {
  or_regex_node_t *root;
  or_code_set_t ranges; /* of all classes, one behind the other */
} or_regex_tree_t;
/* Nodes lie in the arena, ranges are the tree's. */
or_status_t or_regex_parse(or_arena_t *arena, or_string_t pattern, or_regex_tree_t *out);

#endif
