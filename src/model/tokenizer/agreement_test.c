/* Ids, types, masks, spans and decoded text against what the PyPI package `tokenizers` said of the same texts with
 * the same files: tools/make_tokenizers.py wrote them. */
#include "base/testing.h"

#include "base/file.h"
#include "base/json.h"
#include "model/tokenizer/tokenizer.h"

#define FOLDER "tests/data/tokenizers/"

static or_json_document_t *read_expected(const char *name) {
  char path[200], *text = NULL;
  size_t length = 0;
  or_json_document_t *document = NULL;
  or_format(path, sizeof path, FOLDER "%s.expected.json", name);
  expect_ok(or_file_read(or_allocator_system(), path, (size_t)1 << 20, &text, &length));
  expect_ok(or_json_parse(or_allocator_system(), text, length, &document));
  or_free(or_allocator_system(), text);
  return document;
}

static or_tokenizer_t *load(const char *name) {
  char path[200];
  or_tokenizer_t *tokenizer = NULL;
  or_format(path, sizeof path, FOLDER "%s.json", name);
  expect_ok(or_tokenizer_load(or_allocator_system(), path, &tokenizer));
  return tokenizer;
}

static void check_numbers(const or_json_value_t *row, const char *key, size_t index, int64_t number) {
  int64_t expected = or_json_get_int(or_json_at(or_json_get(row, key), index), -1);
  if (expected == number) return;
  const char *text = or_json_get_string(or_json_at(or_json_get(row, "texts"), 0), "");
  print_error("\"%s\": %s[%zu] is %lld, not %lld\n", text, key, index, (long long)number, (long long)expected);
  fail();
}

static void check_decoding(const or_tokenizer_t *tokenizer, const or_json_value_t *row, bool skip, const char *key) {
  const or_json_value_t *list = or_json_get(row, "ids");
  or_text_t whole, streamed;
  or_token_stream_t stream = {0};
  uint32_t ids[600];
  size_t count = or_json_count(list);
  assert_true(count <= 600);
  or_text_init(&whole, or_allocator_system());
  or_text_init(&streamed, or_allocator_system());
  for (size_t i = 0; i < count; ++i) {
    ids[i] = (uint32_t)or_json_get_int(or_json_at(list, i), -1);
    expect_ok(or_token_stream_push(&stream, tokenizer, ids[i], skip, &streamed));
    assert_true(or_utf8_valid(or_text_string(&streamed), streamed.length)); /* never half a character */
  }
  expect_ok(or_token_stream_finish(&stream, &streamed));
  expect_ok(or_tokenizer_decode(tokenizer, ids, count, skip, &whole));
  assert_string_equal(or_text_string(&whole), or_json_get_string(or_json_get(row, key), "?"));
  assert_string_equal(or_text_string(&streamed), or_text_string(&whole));
  or_text_deinit(&whole);
  or_text_deinit(&streamed);
}

static void check_row(or_tokenizer_encoder_t *encoder, const or_json_value_t *row) {
  const or_json_value_t *texts = or_json_get(row, "texts");
  or_tokenizer_text_t text[2] = {{NULL, 0}, {NULL, 0}};
  or_encoding_t encoding;
  for (size_t i = 0; i < or_json_count(texts); ++i) {
    const or_json_value_t *value = or_json_at(texts, i);
    text[i] = (or_tokenizer_text_t){or_json_get_string(value, ""), or_json_string_length(value)};
  }
  expect_ok(or_tokenizer_encode(encoder, text[0], or_json_count(texts) == 2 ? &text[1] : NULL, NULL, &encoding));
  for (size_t i = 0; i < encoding.count; ++i) {
    check_numbers(row, "ids", i, encoding.ids[i]);
    check_numbers(row, "type_ids", i, encoding.type_ids[i]);
    check_numbers(row, "mask", i, encoding.attention_mask[i]);
    check_numbers(row, "spans", 2 * i, encoding.spans[i].begin);
    check_numbers(row, "spans", 2 * i + 1, encoding.spans[i].end);
  }
  assert_int_equal(encoding.count, or_json_count(or_json_get(row, "ids")));
}

static void check_all(const char *name) {
  or_json_document_t *document = read_expected(name);
  or_tokenizer_t *tokenizer = load(name);
  or_tokenizer_encoder_t *encoder = NULL;
  const or_json_value_t *rows = or_json_get(or_json_root(document), "cases");
  expect_ok(or_tokenizer_encoder_create(tokenizer, &encoder));
  assert_true(or_json_count(rows) > 40);
  for (int time = 0; time < 2; ++time) { /* the second time words come from the cache */
    for (size_t i = 0; i < or_json_count(rows); ++i) check_row(encoder, or_json_at(rows, i));
  }
  for (size_t i = 0; i < or_json_count(rows); ++i) {
    check_decoding(tokenizer, or_json_at(rows, i), true, "decoded");
    check_decoding(tokenizer, or_json_at(rows, i), false, "decoded_with_special");
  }
  or_tokenizer_encoder_free(encoder);
  or_tokenizer_release(tokenizer);
  or_json_document_free(document);
}

#define AGREES(name)                                            \
  static void agrees_with_the_package_on_##name(void **state) { \
    (void)state;                                                \
    check_all(#name);                                           \
  }
AGREES(wordpiece_uncased)
AGREES(wordpiece_steps)
AGREES(bpe_gpt2)
AGREES(bpe_roberta)
AGREES(bpe_llama)
AGREES(bpe_characters)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(agrees_with_the_package_on_wordpiece_uncased),
      cmocka_unit_test(agrees_with_the_package_on_wordpiece_steps),
      cmocka_unit_test(agrees_with_the_package_on_bpe_gpt2),
      cmocka_unit_test(agrees_with_the_package_on_bpe_roberta),
      cmocka_unit_test(agrees_with_the_package_on_bpe_llama),
      cmocka_unit_test(agrees_with_the_package_on_bpe_characters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
