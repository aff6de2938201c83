#include "model/tokenizer/tokenizer.h"

#include "base/testing.h"

#define WORDPIECE                                                                                                     \
  "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"?\",\"vocab\":{\"?\":0,\"a\":1,\"b\":2,\"##b\":3,\"c\":4,\"<\":" \
  "5,"                                                                                                                \
  "\">\":6,\"\xC3\xA9\":7}}"
#define SPLIT "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}"
#define TEMPLATE                                                                                                     \
  "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<\",\"type_id\":0}}," \
  "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"SpecialToken\":{\"id\":\">\",\"type_id\":0}}],\"pair\":["          \
  "{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},{\"SpecialToken\":{\"id\":\">\",\"type_id\":0}},"                     \
  "{\"Sequence\":{\"id\":\"B\",\"type_id\":1}}],\"special_tokens\":{\"<\":{\"ids\":[5]},\">\":{\"ids\":[6]}}}"
#define ADDED "\"added_tokens\":[{\"id\":5,\"content\":\"<\",\"special\":true,\"normalized\":false}]"
#define WHOLE "{" WORDPIECE "," SPLIT "," TEMPLATE "," ADDED "}"

static or_status_t parse(const char *json, or_tokenizer_t **out) {
  return or_tokenizer_parse(or_allocator_system(), json, strlen(json), out);
}

static void expect_refused(const char *json, or_status_code_t code, const char *words) {
  or_tokenizer_t *tokenizer = NULL;
  expect_failure(parse(json, &tokenizer), code, words);
  assert_null(tokenizer);
}

static or_tokenizer_encoder_t *encoder_of(const char *json) {
  or_tokenizer_t *tokenizer = NULL;
  or_tokenizer_encoder_t *encoder = NULL;
  expect_ok(parse(json, &tokenizer));
  expect_ok(or_tokenizer_encoder_create(tokenizer, &encoder));
  or_tokenizer_release(tokenizer); /* the encoder keeps it */
  return encoder;
}

/* `expected` ends with -1. */
static void expect_ids(or_tokenizer_encoder_t *encoder, const char *text, const char *pair,
                       const or_tokenizer_options_t *options, const int64_t *expected) {
  or_tokenizer_text_t first = {text, strlen(text)}, second = {pair, pair != NULL ? strlen(pair) : 0};
  or_encoding_t encoding;
  expect_ok(or_tokenizer_encode(encoder, first, pair != NULL ? &second : NULL, options, &encoding));
  for (size_t i = 0; i < encoding.count; ++i) assert_int_equal(encoding.ids[i], expected[i]);
  assert_int_equal(expected[encoding.count], -1);
}

static void takes_the_longest_piece_and_knows_the_unknown(void **state) {
  (void)state;
  or_tokenizer_encoder_t *encoder = encoder_of(WHOLE);
  expect_ids(encoder, "ab abb ac c", NULL, NULL, (int64_t[]){5, 1, 3, 1, 3, 3, 0, 4, 6, -1});
  expect_ids(encoder, "\xC3\xA9", NULL, NULL, (int64_t[]){5, 7, 6, -1});
  expect_ids(encoder, "", NULL, NULL, (int64_t[]){5, 6, -1});
  expect_ids(encoder, "a", "b c", NULL, (int64_t[]){1, 6, 2, 4, -1});
  or_tokenizer_encoder_free(encoder);
}

static void obeys_options(void **state) {
  (void)state;
  or_tokenizer_encoder_t *encoder = encoder_of(WHOLE);
  or_tokenizer_options_t bare = {.without_special_tokens = true}, cut = {.max_length = 4}, pad = {.pad_length = 5},
                         none = {.max_length = 1}, plain = {.plain_text = true};
  or_encoding_t encoding;
  expect_ids(encoder, "a b", NULL, &bare, (int64_t[]){1, 2, -1});
  expect_ids(encoder, "a b c", NULL, &cut, (int64_t[]){5, 1, 2, 6, -1});
  expect_ids(encoder, "a", NULL, &pad, (int64_t[]){5, 1, 6, 0, 0, -1});
  expect_ids(encoder, "a<b", NULL, NULL, (int64_t[]){5, 1, 5, 2, 6, -1});
  expect_ids(encoder, "a <b>", NULL, &plain, (int64_t[]){5, 1, 5, 2, 6, 6, -1}); /* the model knows < as a word too */
  expect_ok(or_tokenizer_encode(encoder, (or_tokenizer_text_t){"a", 1}, NULL, &pad, &encoding));
  assert_int_equal(encoding.attention_mask[2], 1);
  assert_int_equal(encoding.attention_mask[3], 0);
  expect_failure(or_tokenizer_encode(encoder, (or_tokenizer_text_t){"a", 1}, NULL, &none, &encoding),
                 OR_INVALID_ARGUMENT, "no room for the 2 special");
  or_tokenizer_encoder_free(encoder);
}

static void cuts_the_text_that_the_file_names(void **state) {
  (void)state;
  or_encoding_t encoding;
  or_tokenizer_encoder_t *encoder = encoder_of(
      "{" WORDPIECE "," SPLIT ",\"truncation\":{\"max_length\":3,\"strategy\":\"OnlySecond\",\"stride\":0}}");
  expect_ids(encoder, "a b", "c a b", NULL, (int64_t[]){1, 2, 4, -1});
  expect_failure(or_tokenizer_encode(encoder, (or_tokenizer_text_t){"a b c a", 7}, NULL, NULL, &encoding),
                 OR_INVALID_ARGUMENT, "second texts only");
  or_tokenizer_encoder_free(encoder);
}

static void refuses_what_is_no_utf8_naming_the_byte(void **state) {
  (void)state;
  or_tokenizer_encoder_t *encoder = encoder_of(WHOLE);
  or_encoding_t encoding;
  expect_failure(or_tokenizer_encode(encoder, (or_tokenizer_text_t){"a\xC3\xA9\xFF", 4}, NULL, NULL, &encoding),
                 OR_INVALID_ARGUMENT, "byte 3 (0xFF)");
  expect_failure(or_tokenizer_encode(encoder, (or_tokenizer_text_t){"a\xED\xA0\x80", 4}, NULL, NULL, &encoding),
                 OR_INVALID_ARGUMENT, "byte 1");
  expect_failure(
      or_tokenizer_encode(encoder, (or_tokenizer_text_t){"", OR_TOKENIZER_MAX_TEXT_BYTES + 1}, NULL, NULL, &encoding),
      OR_OUT_OF_RANGE, "4194305 bytes; the limit is 4194304");
  or_tokenizer_encoder_free(encoder);
}

static void tells_its_facts(void **state) {
  (void)state;
  or_tokenizer_t *tokenizer = NULL;
  size_t length = 0;
  expect_ok(parse("{" WORDPIECE
                  ",\"padding\":{\"strategy\":{\"Fixed\":16},\"pad_id\":4},\"truncation\":{\"max_length\":9}}",
                  &tokenizer));
  or_tokenizer_facts_t facts = or_tokenizer_facts(tokenizer);
  assert_string_equal(facts.model, "WordPiece");
  assert_int_equal(facts.vocabulary_size, 8);
  assert_int_equal(facts.id_limit, 8);
  assert_int_equal(facts.max_length, 9);
  assert_true(facts.pads);
  assert_int_equal(facts.pad_length, 16);
  assert_int_equal(facts.pad_id, 4);
  assert_int_equal(or_tokenizer_token_id(tokenizer, "##b"), 3);
  assert_int_equal(or_tokenizer_token_id(tokenizer, "##"), OR_NO_TOKEN);
  assert_string_equal(or_tokenizer_token(tokenizer, 3, &length), "##b");
  assert_null(or_tokenizer_token(tokenizer, 8, &length));
  or_tokenizer_release(tokenizer);
}

static void refuses_components_by_their_name(void **state) {
  (void)state;
  expect_refused("{\"model\":{\"type\":\"Unigram\",\"vocab\":[]}}", OR_UNIMPLEMENTED, "model \"Unigram\"");
  expect_refused("{" WORDPIECE ",\"normalizer\":{\"type\":\"Precompiled\"}}", OR_UNIMPLEMENTED, "\"Precompiled\"");
  expect_refused("{" WORDPIECE
                 ",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Nmt\"}]}}",
                 OR_UNIMPLEMENTED, "normalizers[1]: the normalizer \"Nmt\"");
  expect_refused("{" WORDPIECE
                 ",\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"x+\"},\"content\":\"\"}}",
                 OR_UNIMPLEMENTED, "pattern \"x+\"");
  expect_refused("{" WORDPIECE ",\"pre_tokenizer\":{\"type\":\"Metaspace\"}}", OR_UNIMPLEMENTED, "\"Metaspace\"");
  expect_refused("{" WORDPIECE ",\"pre_tokenizer\":{\"type\":\"ByteLevel\"}}", OR_UNIMPLEMENTED, "use BPE");
  expect_refused("{" WORDPIECE
                 ",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"x\"},\"behavior\":\"Removed\"}}",
                 OR_UNIMPLEMENTED, "pattern \"x\"");
  expect_refused("{" WORDPIECE
                 ",\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"ByteLevel\"},{\"type\":"
                 "\"Digits\"}]}}",
                 OR_UNIMPLEMENTED, "behind ByteLevel");
  expect_refused("{" WORDPIECE ",\"post_processor\":{\"type\":\"Magic\"}}", OR_UNIMPLEMENTED, "\"Magic\"");
  expect_refused("{" WORDPIECE ",\"decoder\":{\"type\":\"CTC\"}}", OR_UNIMPLEMENTED, "decoder \"CTC\"");
}

#define BPE(rest) "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2}," rest "}}"
/* cd (rank 0), then ab (2) before b + cd (3), although bc (1) once stood where b + cd does. */
static void merges_by_rank_what_stands_side_by_side_now(void **state) {
  (void)state;
  or_tokenizer_encoder_t *encoder =
      encoder_of("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"c\":2,\"d\":3,\"cd\":4,\"bc\":5,\"ab\":6,"
                 "\"bcd\":7},\"merges\":[\"c d\",\"b c\",\"a b\",\"b cd\"]}}");
  expect_ids(encoder, "abcd", NULL, NULL, (int64_t[]){6, 4, -1});
  expect_ids(encoder, "bcd", NULL, NULL, (int64_t[]){7, -1});
  expect_ids(encoder, "bcab", NULL, NULL, (int64_t[]){5, 6, -1});
  or_tokenizer_encoder_free(encoder);
}

static void finds_added_tokens_leftmost_and_longest(void **state) {
  (void)state;
  or_tokenizer_encoder_t *encoder =
      encoder_of("{" WORDPIECE "," SPLIT ",\"added_tokens\":[{\"id\":8,\"content\":\"ab\"},{\"id\":9,\"content\":"
                 "\"abc\"},{\"id\":10,\"content\":\"bcab\"},"
                 "{\"id\":11,\"content\":\"c\\u00e9\",\"single_word\":true},{\"id\":12,\"content\":\"!\",\"lstrip\":"
                 "true,\"rstrip\":true}]}");
  or_encoding_t encoding;
  expect_ids(encoder, "abcab", NULL, NULL, (int64_t[]){9, 8, -1});
  expect_ids(encoder, "bcabc", NULL, NULL, (int64_t[]){10, 4, -1});
  expect_ids(encoder,
             "c\xC3\xA9 c\xC3\xA9"
             "a",
             NULL, NULL, (int64_t[]){11, 0, -1});
  expect_ok(or_tokenizer_encode(encoder, (or_tokenizer_text_t){"a \t! \nb", 7}, NULL, NULL, &encoding));
  assert_int_equal(encoding.count, 3);
  assert_int_equal(encoding.ids[1], 12);
  assert_int_equal(encoding.spans[1].begin, 1); /* with the white space on either side */
  assert_int_equal(encoding.spans[1].end, 6);
  or_tokenizer_encoder_free(encoder);
}

static char *repeated(const char *head, const char *piece, size_t count, const char *tail);

/* A text that never is the token that it keeps beginning like: the work is bounded, and said; shorter tokens never
 * come to the bound. */
static void bounds_the_search_for_added_tokens(void **state) {
  (void)state;
  enum { LENGTH = 100000 };
  static char text[LENGTH];
  or_encoding_t encoding;
  memset(text, 'a', sizeof text);
  char *json = repeated("{" WORDPIECE ",\"added_tokens\":[{\"id\":8,\"content\":\"", "a", 4000, "b\"}]}");
  or_tokenizer_encoder_t *encoder = encoder_of(json);
  expect_failure(or_tokenizer_encode(encoder, (or_tokenizer_text_t){text, LENGTH}, NULL, NULL, &encoding),
                 OR_OUT_OF_RANGE, "the limit is 64 a byte");
  expect_ok(or_tokenizer_encode(encoder, (or_tokenizer_text_t){text, 500}, NULL, NULL, &encoding));
  or_tokenizer_encoder_free(encoder);
  or_free(or_allocator_system(), json);
  json = repeated("{" WORDPIECE ",\"added_tokens\":[{\"id\":8,\"content\":\"", "a", 63, "b\"}]}");
  encoder = encoder_of(json);
  expect_ok(or_tokenizer_encode(encoder, (or_tokenizer_text_t){text, LENGTH}, NULL, NULL, &encoding));
  or_tokenizer_encoder_free(encoder);
  or_free(or_allocator_system(), json);
}

/* What a merge makes is its parts side by side, so that no merge can make one of its own parts. */
static void refuses_merges_that_make_their_own_parts(void **state) {
  (void)state;
  expect_refused(BPE("\"merges\":[\"a \"]"), OR_INVALID_ARGUMENT, "[0]");
  expect_refused(BPE("\"merges\":[\" a\"]"), OR_INVALID_ARGUMENT, "[0]");
  expect_refused(BPE("\"merges\":[[\"a\",\"\"]]"), OR_INVALID_ARGUMENT, "[0]");
  expect_refused(BPE("\"merges\":[[\"ab\",\"ab\"]]"), OR_INVALID_ARGUMENT, "what they make");
  expect_refused("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"aa\":0},\"merges\":[\"a a\"]}}",
                 OR_INVALID_ARGUMENT, "same id 0");
  expect_refused("{" WORDPIECE ",\"added_tokens\":[{\"id\":8,\"content\":\"x\"},{\"id\":8,\"content\":\"y\"}]}",
                 OR_INVALID_ARGUMENT, "added_tokens: [1]");
  expect_refused("{" WORDPIECE ",\"added_tokens\":[{\"id\":-1,\"content\":\"x\"}]}", OR_OUT_OF_RANGE,
                 "the id of \"x\" is -1");
  expect_refused("{" WORDPIECE ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":"
                 "{\"id\":\"single\",\"type_id\":0}}],\"pair\":[],\"special_tokens\":{}}}",
                 OR_INVALID_ARGUMENT, "neither SpecialToken nor Sequence A or B");
  expect_refused("{" WORDPIECE ",\"normalizer\":{\"type\":\"Lowercase\xff\"}}", OR_INVALID_ARGUMENT, "byte 0xff");
}

static void refuses_what_bpe_here_can_not(void **state) {
  (void)state;
  expect_refused(BPE("\"merges\":[],\"byte_fallback\":true"), OR_UNIMPLEMENTED, "byte_fallback");
  expect_refused(BPE("\"merges\":[],\"dropout\":0.1"), OR_UNIMPLEMENTED, "dropout");
  expect_refused(BPE("\"merges\":[],\"end_of_word_suffix\":\"</w>\""), OR_UNIMPLEMENTED, "end_of_word_suffix");
  expect_refused(BPE("\"merges\":[],\"unk_token\":\"?\""), OR_INVALID_ARGUMENT, "\"?\"");
  expect_refused(BPE("\"merges\":[\"a b\",\"b a\"]"), OR_INVALID_ARGUMENT, "[1]: \"b\" + \"a\": what they make");
  expect_refused(BPE("\"merges\":[[\"a\",\"x\"]]"), OR_INVALID_ARGUMENT, "the second is not");
  expect_refused(BPE("\"merges\":[[\"ab\",\"\"]]"), OR_INVALID_ARGUMENT, "with nothing");
  expect_refused(BPE("\"merges\":[\"ab\"]"), OR_INVALID_ARGUMENT, "neither");
  expect_refused(BPE("\"merges\":7"), OR_INVALID_ARGUMENT, "not a list");
}

static void refuses_files_that_contradict_themselves(void **state) {
  (void)state;
  expect_refused("[]", OR_INVALID_ARGUMENT, "not an object");
  expect_refused("{}", OR_INVALID_ARGUMENT, "\"model\" is missing");
  expect_refused("{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0,\"b\":0}}}", OR_INVALID_ARGUMENT, "same id 0");
  expect_refused("{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0}}}", OR_INVALID_ARGUMENT, "\"[UNK]\"");
  expect_refused("{" WORDPIECE ",\"added_tokens\":[{\"id\":9,\"content\":\"a\"}]}", OR_INVALID_ARGUMENT,
                 "9 here and 1");
  expect_refused("{" WORDPIECE ",\"added_tokens\":[{\"id\":1,\"content\":\"x\"}]}", OR_INVALID_ARGUMENT, "same id 1");
  expect_refused("{" WORDPIECE
                 ",\"normalizer\":{\"type\":\"Lowercase\"},\"added_tokens\":[{\"id\":8,\"content\":\"X\"},"
                 "{\"id\":9,\"content\":\"x\"}]}",
                 OR_INVALID_ARGUMENT, "two added tokens");
  expect_refused("{" WORDPIECE
                 ",\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"s\",99],\"cls\":[\"c\",1]}}",
                 OR_INVALID_ARGUMENT, "sep is 99");
  expect_refused("{" WORDPIECE ",\"padding\":{\"strategy\":\"BatchLongest\",\"pad_id\":-1}}", OR_INVALID_ARGUMENT,
                 "pad_id");
}

static char *repeated(const char *head, const char *piece, size_t count, const char *tail) {
  or_text_t text;
  or_text_init(&text, or_allocator_system());
  expect_ok(or_text_append_string(&text, head));
  for (size_t i = 0; i < count; ++i) expect_ok(or_text_append_string(&text, piece));
  expect_ok(or_text_append_string(&text, tail));
  return text.data;
}

static void refuse_long(char *json, const char *words) {
  expect_refused(json, OR_OUT_OF_RANGE, words);
  or_free(or_allocator_system(), json);
}

static void refuses_what_exceeds_a_bound_naming_it(void **state) {
  (void)state;
  or_tokenizer_t *tokenizer = NULL;
  expect_failure(or_tokenizer_parse(or_allocator_system(), "", OR_TOKENIZER_MAX_FILE_BYTES + 1, &tokenizer),
                 OR_OUT_OF_RANGE, "67108865 bytes; the limit is 67108864");
  refuse_long(
      repeated("{\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[\"\"", ",\"\"", OR_TOKENIZER_MAX_MERGES, "]}}"),
      "there are 1048577; the limit is 1048576");
  refuse_long(repeated("{" WORDPIECE ",\"added_tokens\":[0", ",0", OR_TOKENIZER_MAX_ADDED, "]}"),
              "65537 added tokens; the limit is 65536");
  refuse_long(
      repeated("{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"", "x", OR_TOKENIZER_MAX_TOKEN_BYTES + 1, "\":0}}}"),
      "4097 bytes; the limit is 4096");
  refuse_long(repeated("{" WORDPIECE ",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"}",
                       ",{\"type\":\"NFC\"}", OR_TOKENIZER_MAX_STEPS, "]}}"),
              "more than 64 normalizers");
  refuse_long(
      repeated("{" WORDPIECE ",\"normalizer\":", "{\"type\":\"Sequence\",\"normalizers\":[", 9, "]}]}]}]}]}]}]}]}]}}"),
      "9 deep in Sequences; the limit is 8");
  expect_refused("{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":2097152}}}", OR_OUT_OF_RANGE,
                 "from 0 to 2097151");
  expect_refused("{" WORDPIECE ",\"truncation\":{\"max_length\":99999999}}", OR_OUT_OF_RANGE, "from 0 to 16777216");
}

/* Table 3-8 of the Unicode standard: one U+FFFD for each longest beginning of a character. */
static void replaces_broken_characters_as_the_standard_says(void **state) {
  (void)state;
  static const unsigned char bytes[] = {0x61, 0xF1, 0x80, 0x80, 0xE1, 0x80, 0xC2, 0x62, 0x80, 0x63, 0x80, 0xBF, 0x64};
  or_tokenizer_t *tokenizer = NULL;
  uint32_t ids[sizeof bytes];
  or_text_t out;
  or_text_init(&out, or_allocator_system());
  expect_ok(or_tokenizer_load(or_allocator_system(), "tests/data/tokenizers/bpe_gpt2.json", &tokenizer));
  for (size_t i = 0; i < sizeof bytes; ++i) { /* <|endoftext|>, then the bytes in the order of GPT-2's alphabet */
    uint32_t byte = bytes[i], code = byte < 0x80 || byte >= 0xAE ? byte : byte > 0xA0 ? byte : 0x100 + byte - 127 + 33;
    char name[3] = {(char)code, '\0', '\0'};
    if (code >= 0x80) {
      name[0] = (char)(0xC0 | code >> 6);
      name[1] = (char)(0x80 | (code & 0x3F));
    }
    ids[i] = or_tokenizer_token_id(tokenizer, name);
    assert_int_not_equal(ids[i], OR_NO_TOKEN);
  }
  expect_ok(or_tokenizer_decode(tokenizer, ids, sizeof bytes, true, &out));
  assert_string_equal(or_text_string(&out), "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd");
  ids[3] = 100000;
  expect_failure(or_tokenizer_decode(tokenizer, ids, 5, true, &out), OR_OUT_OF_RANGE, "no token has id 100000");
  assert_string_equal(or_text_string(&out), "a\uFFFD\uFFFD\uFFFDb\uFFFDc\uFFFD\uFFFDd"); /* nothing appended */
  or_text_deinit(&out);
  or_tokenizer_release(tokenizer);
}

#define SENTENCE "It's caf\u00E9 \u4F60\u597D e\u0301 12 <mask> and the rest of it"

static or_status_t use(const or_allocator_t *allocator, const char *path) {
  or_tokenizer_t *tokenizer = NULL;
  or_tokenizer_encoder_t *encoder = NULL;
  or_encoding_t encoding = {0};
  or_text_t out;
  or_text_init(&out, allocator);
  or_tokenizer_text_t text = {SENTENCE, sizeof SENTENCE - 1};
  or_status_t status = or_tokenizer_load(allocator, path, &tokenizer);
  if (or_ok(status)) status = or_tokenizer_encoder_create(tokenizer, &encoder);
  if (or_ok(status)) status = or_tokenizer_encode(encoder, text, &text, NULL, &encoding);
  or_token_stream_t stream = {0};
  for (size_t i = 0; or_ok(status) && i < encoding.count; ++i)
    status = or_token_stream_push(&stream, tokenizer, (uint32_t)encoding.ids[i], true, &out);
  or_text_deinit(&out);
  or_tokenizer_encoder_free(encoder);
  or_tokenizer_release(tokenizer);
  return status;
}

static or_status_t use_wordpiece(const or_allocator_t *allocator) {
  return use(allocator, "tests/data/tokenizers/wordpiece_steps.json");
}
static or_status_t use_bpe(const or_allocator_t *allocator) {
  return use(allocator, "tests/data/tokenizers/bpe_roberta.json");
}

static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(use_wordpiece);
  expect_survives_every_failing_allocation(use_bpe);
}

static void allocates_nothing_for_texts_it_has_grown_to(void **state) {
  (void)state;
  or_counting_allocator_t counting;
  or_tokenizer_t *tokenizer = NULL;
  or_tokenizer_encoder_t *encoder = NULL;
  or_encoding_t encoding;
  or_tokenizer_text_t text = {SENTENCE, sizeof SENTENCE - 1};
  or_counting_allocator_init(&counting, or_allocator_system(), 0);
  expect_ok(or_tokenizer_load(&counting.base, "tests/data/tokenizers/wordpiece_uncased.json", &tokenizer));
  expect_ok(or_tokenizer_encoder_create(tokenizer, &encoder));
  for (int i = 0; i < 2; ++i) expect_ok(or_tokenizer_encode(encoder, text, NULL, NULL, &encoding)); /* both buffers */
  size_t before = counting.alloc_count;
  expect_ok(or_tokenizer_encode(encoder, text, NULL, NULL, &encoding));
  assert_int_equal(counting.alloc_count, before);
  or_tokenizer_encoder_free(encoder);
  or_tokenizer_release(tokenizer);
  assert_int_equal(counting.live_blocks, 0);
}

/* More words than the cache holds: what is asked again is cut as the first time. */
static void forgets_words_and_cuts_them_again(void **state) {
  (void)state;
  or_tokenizer_encoder_t *encoder = encoder_of(BPE("\"merges\":[\"a b\"],\"unk_token\":null"));
  char word[32];
  for (uint32_t i = 0; i < 60000; ++i) {
    size_t length = 0, expected = 0;
    for (uint32_t bits = i + 1; bits > 0; bits >>= 1) word[length++] = bits & 1 ? 'a' : 'b';
    for (size_t k = 0; k < length; ++expected) k += word[k] == 'a' && k + 1 < length && word[k + 1] == 'b' ? 2 : 1;
    or_encoding_t encoding;
    expect_ok(or_tokenizer_encode(encoder, (or_tokenizer_text_t){word, length}, NULL, NULL, &encoding));
    assert_int_equal(encoding.count, expected);
  }
  expect_ids(encoder, "aba", NULL, NULL, (int64_t[]){2, 0, -1});
  or_tokenizer_encoder_free(encoder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(takes_the_longest_piece_and_knows_the_unknown),
      cmocka_unit_test(obeys_options),
      cmocka_unit_test(cuts_the_text_that_the_file_names),
      cmocka_unit_test(refuses_what_is_no_utf8_naming_the_byte),
      cmocka_unit_test(tells_its_facts),
      cmocka_unit_test(refuses_components_by_their_name),
      cmocka_unit_test(merges_by_rank_what_stands_side_by_side_now),
      cmocka_unit_test(finds_added_tokens_leftmost_and_longest),
      cmocka_unit_test(bounds_the_search_for_added_tokens),
      cmocka_unit_test(refuses_merges_that_make_their_own_parts),
      cmocka_unit_test(refuses_what_bpe_here_can_not),
      cmocka_unit_test(refuses_files_that_contradict_themselves),
      cmocka_unit_test(refuses_what_exceeds_a_bound_naming_it),
      cmocka_unit_test(replaces_broken_characters_as_the_standard_says),
      cmocka_unit_test(gives_back_every_byte_when_the_nth_allocation_fails),
      cmocka_unit_test(allocates_nothing_for_texts_it_has_grown_to),
      cmocka_unit_test(forgets_words_and_cuts_them_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
