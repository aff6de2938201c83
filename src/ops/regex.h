#ifndef OR_OPS_REGEX_H
#define OR_OPS_REGEX_H
/* Regular expressions in RE2's syntax (https://github.com/google/re2/wiki/Syntax), over UTF-8, in time linear in the
 * text: Thompson's construction (Ken Thompson, "Regular Expression Search Algorithm", 1968), its states carried along
 * together.
 *
 * Everything of that syntax but \C and scripts (\p{Greek}), which are UNIMPLEMENTED. General categories are those of
 * Unicode 16.0, cases those of 14.0. As in RE2 there are no references to groups and nothing that looks ahead or
 * behind, and counts are at most OR_REGEX_MAX_COUNT, those of nested repetitions multiplied. */

#include "base/alloc.h"
#include "ops/stop.h"

#define OR_REGEX_MAX_BYTES ((size_t)1 << 16)        /* of a pattern */
#define OR_REGEX_MAX_INSTRUCTIONS ((size_t)1 << 15) /* of its program */
#define OR_REGEX_MAX_RANGES ((size_t)1 << 17)       /* of code points, of all classes together */
#define OR_REGEX_MAX_CATEGORIES 1000                /* \p{…} */
#define OR_REGEX_MAX_DEPTH 250                      /* of groups */
#define OR_REGEX_MAX_COUNT 1000                     /* x{n} */
#define OR_REGEX_MAX_STEPS ((uint64_t)1 << 30)      /* states of one match, over all characters */

/* A pattern that is ready to match, with the memory of one match: one thread at a time. */
typedef struct or_regex_t or_regex_t;
/* INVALID_ARGUMENT: what is wrong with the pattern, and at which byte; UNIMPLEMENTED; RESOURCE_EXHAUSTED: beyond one of
 * the limits above. On success *out is the caller's. */
or_status_t or_regex_create(const or_allocator_t *allocator, or_string_t pattern, or_regex_t **out);
void or_regex_destroy(or_regex_t *self); /* takes NULL */
/* Whether all of the text matches. A text that is not UTF-8 never does; nor does one where `stop` (NULL: nobody) says
 * so. RESOURCE_EXHAUSTED: beyond OR_REGEX_MAX_STEPS. */
or_status_t or_regex_match(or_regex_t *self, or_string_t text, or_stop_t *stop, bool *out);

#endif
