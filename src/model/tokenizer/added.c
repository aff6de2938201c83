#include "model/tokenizer/added.h"

#include <stdlib.h>
#include <string.h>

#include "base/unicode.h"

static int compare(const void *a, const void *b) {
  const or_tokenizer_text_t *left = &((const or_added_token_t *)a)->form, *right = &((const or_added_token_t *)b)->form;
  size_t common = left->length < right->length ? left->length : right->length;
  int order = memcmp(left->bytes, right->bytes, common);
  return order != 0 ? order : (left->length > right->length) - (left->length < right->length);
}

or_status_t or_added_set_finish(or_added_set_t *set) {
  if (set->count > 1) qsort(set->tokens, set->count, sizeof set->tokens[0], compare);
  for (size_t i = 0; i < set->count; ++i) {
    const or_tokenizer_text_t *form = &set->tokens[i].form;
    if (i > 0 && compare(&set->tokens[i - 1], &set->tokens[i]) == 0)
      return or_error(OR_INVALID_ARGUMENT, "two added tokens are \"%.*s\"", (int)form->length, form->bytes);
    set->begins[(unsigned char)form->bytes[0]] = true;
  }
  return or_status_success();
}

/* The longest token that stands at the text's beginning: the tokens that agree so far are a range, narrowed byte by
 * byte. */
static const or_added_token_t *longest_at(or_added_search_t *search, const char *text, size_t length) {
  const or_added_set_t *set = search->set;
  const or_added_token_t *found = NULL;
  size_t low = 0, high = set->count;
  for (size_t i = 0; i < length && low < high; ++i) {
    ++search->steps;
    unsigned char byte = (unsigned char)text[i];
    size_t first = low, last = high;
    while (first < last) { /* the first whose byte i is not less */
      size_t middle = (first + last) / 2;
      if ((unsigned char)set->tokens[middle].form.bytes[i] < byte) {
        first = middle + 1;
      } else {
        last = middle;
      }
    }
    low = first;
    last = high;
    while (first < last) { /* the first whose byte i is greater */
      size_t middle = (first + last) / 2;
      if ((unsigned char)set->tokens[middle].form.bytes[i] <= byte) {
        first = middle + 1;
      } else {
        last = middle;
      }
    }
    high = first;
    if (low < high && set->tokens[low].form.length == i + 1) found = &set->tokens[low++];
  }
  return found;
}

static bool is_word(const char *text) {
  size_t width = 0;
  return or_unicode_is(or_unicode_read(text, &width), OR_UNICODE_WORD);
}

/* Where the character before `at` begins. */
static size_t before(const char *text, size_t at) {
  do {
    --at;
  } while (((unsigned char)text[at] & 0xC0) == 0x80);
  return at;
}

static bool is_alone(or_tokenizer_text_t text, size_t begin, size_t end) {
  return (begin == 0 || !is_word(text.bytes + before(text.bytes, begin))) &&
         (end == text.length || !is_word(text.bytes + end));
}

static bool is_space(const char *text, size_t *width) {
  return or_unicode_is(or_unicode_read(text, width), OR_UNICODE_SPACE);
}

/* Widened by the white space that the token takes. */
static or_added_match_t match_of(const or_added_search_t *search, const or_added_token_t *token, size_t begin,
                                 size_t end) {
  const or_tokenizer_text_t *text = &search->text;
  size_t width = 0;
  while (token->left_strip && begin > search->taken) {
    size_t previous = before(text->bytes, begin);
    if (!is_space(text->bytes + previous, &width)) break;
    begin = previous;
  }
  while (token->right_strip && end < text->length && is_space(text->bytes + end, &width)) end += width;
  return (or_added_match_t){token, begin, end};
}

or_status_t or_added_next(or_added_search_t *search, or_added_match_t *out) {
  const or_added_set_t *set = search->set;
  const or_tokenizer_text_t text = search->text;
  *out = (or_added_match_t){.token = NULL};
  while (set->count > 0 && search->at < text.length) {
    const or_added_token_t *token = NULL;
    const size_t begin = search->at;
    if (set->begins[(unsigned char)text.bytes[begin]])
      token = longest_at(search, text.bytes + begin, text.length - begin);
    if (search->steps / OR_ADDED_STEPS > text.length + OR_TOKENIZER_MAX_TOKEN_BYTES) {
      return or_error(OR_OUT_OF_RANGE,
                      "the text keeps beginning like added tokens that it does not have: byte %zu of %zu was reached "
                      "after %zu comparisons; the limit is %zu a byte",
                      begin, text.length, search->steps, OR_ADDED_STEPS);
    }
    search->at = token != NULL ? begin + token->form.length : begin + 1;
    if (token == NULL || (search->skip_special && token->special)) continue;
    if (token->single_word && !is_alone(text, begin, search->at)) continue;
    *out = match_of(search, token, begin, search->at);
    search->taken = out->end;
    break;
  }
  return or_status_success();
}
