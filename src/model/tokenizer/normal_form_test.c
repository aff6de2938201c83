#include "base/testing.h"
#include "model/tokenizer/normalize.h"

static or_normalizing_t work;

static int set_up(void **state) {
  (void)state;
  or_normalizing_init(&work, or_allocator_system());
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  or_normalizing_deinit(&work);
  return 0;
}

static void expect(const or_normalizer_t *step, const char *text, const char *expected) {
  expect_ok(or_normalize(&work, step, 1, (or_tokenizer_text_t){text, strlen(text)}, 0));
  const or_aligned_t *got = or_normalizing_text(&work);
  assert_int_equal(got->length, strlen(expected));
  assert_memory_equal(got->bytes, expected, got->length);
}

static const or_normalizer_t nfc = {.kind = OR_NORMALIZE_FORM, .compose = true}, nfd = {.kind = OR_NORMALIZE_FORM},
                             nfkc = {.kind = OR_NORMALIZE_FORM, .compose = true, .compatible = true},
                             nfkd = {.kind = OR_NORMALIZE_FORM, .compatible = true};

/* Rows of NormalizationTest.txt. */
static void makes_the_four_forms(void **state) {
  (void)state;
  expect(&nfc, "\u1E0A\u0323", "\u1E0C\u0307");
  expect(&nfd, "\u1E0A\u0323", "D\u0323\u0307");
  expect(&nfc, "D\u0307\u0323", "\u1E0C\u0307");
  expect(&nfc, "\u0344", "\u0308\u0301");
  expect(&nfd, "\uAC01", "\u1100\u1161\u11A8");
  expect(&nfc, "\u1100\u1161\u11A8\u11A8", "\uAC01\u11A8");
  expect(&nfkc, "\uFB01 \u210C \u3300", "fi H \u30A2\u30D1\u30FC\u30C8");
  expect(&nfkd, "\u1E9B\u0323", "s\u0323\u0307");
  expect(&nfkc, "\u1E9B\u0323", "\u1E69");
  expect(&nfc, "\u0958", "\u0915\u093C"); /* excluded from composition */
  expect(&nfc,
         "a\u0315\u0300\u05AE"
         "b",
         "\u00E0\u05AE\u0315"
         "b");
  expect(&nfc, "a\u0346\u0301", "a\u0346\u0301"); /* a mark of the same class blocks */
  expect(&nfc, "a\u0327b\u0301", "a\u0327b\u0301");
}

static void sorts_long_runs_of_marks_by_class(void **state) {
  (void)state;
  static char text[1 + 4000], expected[1 + 4000];
  text[0] = expected[0] = 'x';
  for (size_t i = 0; i < 1000; ++i) { /* classes 232 and 230 */
    memcpy(text + 1 + 4 * i, "\u0315\u0308", 4);
    memcpy(expected + 1 + 2 * i, "\u0308", 2);
    memcpy(expected + 2001 + 2 * i, "\u0315", 2);
  }
  expect_ok(or_normalize(&work, &nfd, 1, (or_tokenizer_text_t){text, sizeof text}, 0));
  assert_int_equal(or_normalizing_text(&work)->length, sizeof text);
  assert_memory_equal(or_normalizing_text(&work)->bytes, expected, sizeof text);
}

static void knows_where_characters_came_from(void **state) {
  (void)state;
  const char *text = "\u00E9X";
  expect_ok(or_normalize(&work, &nfd, 1, (or_tokenizer_text_t){text, 3}, 10));
  const or_aligned_t *got = or_normalizing_text(&work);
  assert_int_equal(got->length, 4); /* e, two bytes of the accent, X */
  for (size_t i = 0; i < 3; ++i) {
    assert_int_equal(got->spans[i].begin, 10);
    assert_int_equal(got->spans[i].end, 12);
  }
  assert_int_equal(got->spans[3].begin, 12);
}

static void cleans_as_bert_does(void **state) {
  (void)state;
  const or_normalizer_t uncased = {
      .kind = OR_NORMALIZE_BERT, .clean_text = true, .chinese = true, .strip_accents = true, .lowercase = true};
  const or_normalizer_t cased = {.kind = OR_NORMALIZE_BERT, .clean_text = true};
  expect(&uncased, "A\tB\001C\u00C9\u4F60d", "a bce \u4F60 d");
  expect(&uncased, "\u0130I", "ii");
  expect(&cased, "A\u00C9\u4F60\u200B\uFFFD\u3000x", "A\u00C9\u4F60 x");
}

static void strips_replaces_and_prepends(void **state) {
  (void)state;
  const or_normalizer_t strip = {.kind = OR_NORMALIZE_STRIP, .left = true, .right = true},
                        left = {.kind = OR_NORMALIZE_STRIP, .left = true},
                        replace = {.kind = OR_NORMALIZE_REPLACE, .pattern = {"aa", 2}, .content = {"\u2581", 3}},
                        prepend = {.kind = OR_NORMALIZE_PREPEND, .content = {"> ", 2}};
  expect(&strip, " \u3000x y\n", "x y");
  expect(&strip, " \n ", "");
  expect(&left, " x ", "x ");
  expect(&replace, "aaabaa", "\u2581ab\u2581");
  expect(&prepend, "x", "> x");
  expect(&prepend, "", "");
}

static void bounds_what_a_text_can_grow_to(void **state) {
  (void)state;
  static char text[5000], content[4096];
  const or_normalizer_t replace = {
      .kind = OR_NORMALIZE_REPLACE, .pattern = {"a", 1}, .content = {content, sizeof content}};
  memset(text, 'a', sizeof text);
  memset(content, 'b', sizeof content);
  expect_failure(or_normalize(&work, &replace, 1, (or_tokenizer_text_t){text, sizeof text}, 0), OR_OUT_OF_RANGE,
                 "the limit is 16777216");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(makes_the_four_forms),
      cmocka_unit_test(sorts_long_runs_of_marks_by_class),
      cmocka_unit_test(knows_where_characters_came_from),
      cmocka_unit_test(cleans_as_bert_does),
      cmocka_unit_test(strips_replaces_and_prepends),
      cmocka_unit_test(bounds_what_a_text_can_grow_to),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
