/* One tokenizer, encoded with by several threads at once: each gets what one thread alone gets. */
#include "base/testing.h"

#include "base/file.h"
#include "base/json.h"
#include "base/numbers.h"
#include "base/thread.h"
#include "model/tokenizer/tokenizer.h"

#define THREADS 8
#define TEXTS 64
#define ROUNDS 3

typedef struct expected_t {
  uint64_t hash; /* of ids, types and spans */
  size_t count;
} expected_t;

typedef struct shared_t {
  or_tokenizer_t *tokenizer;
  or_tokenizer_text_t texts[TEXTS];
  size_t count;
  expected_t expected[TEXTS];
} shared_t;

/* Owned by its thread until that is joined. */
typedef struct worker_t {
  or_thread_t thread;
  const shared_t *shared;
  size_t first; /* the text that it begins with */
  size_t wrong, failed;
} worker_t;

static or_status_t encode(or_tokenizer_encoder_t *encoder, or_tokenizer_text_t text, expected_t *out) {
  or_encoding_t encoding;
  or_status_t status = or_tokenizer_encode(encoder, text, NULL, NULL, &encoding);
  if (!or_ok(status)) return status;
  out->count = encoding.count;
  out->hash = or_hash_bytes(encoding.ids, encoding.count * sizeof encoding.ids[0], 0);
  out->hash = or_hash_bytes(encoding.type_ids, encoding.count * sizeof encoding.type_ids[0], out->hash);
  out->hash = or_hash_bytes(encoding.spans, encoding.count * sizeof encoding.spans[0], out->hash);
  return status;
}

static void work(void *self) {
  worker_t *worker = self;
  const shared_t *shared = worker->shared;
  or_tokenizer_encoder_t *encoder = NULL;
  or_status_t status = or_tokenizer_encoder_create(shared->tokenizer, &encoder);
  for (size_t i = 0; or_ok(status) && i < ROUNDS * shared->count; ++i) {
    size_t index = (worker->first + i) % shared->count;
    expected_t found;
    status = encode(encoder, shared->texts[index], &found);
    worker->wrong +=
        or_ok(status) && (found.count != shared->expected[index].count || found.hash != shared->expected[index].hash);
  }
  worker->failed = !or_ok(status);
  or_status_ignore(status); /* counted, and reported by the thread that joins */
  or_tokenizer_encoder_free(encoder);
}

static void expect_the_same_from_all(const char *path, const or_json_value_t *texts) {
  static shared_t shared;
  worker_t workers[THREADS] = {{.wrong = 0}};
  or_tokenizer_encoder_t *encoder = NULL;
  shared = (shared_t){.count = or_json_count(texts) < TEXTS ? or_json_count(texts) : TEXTS};
  assert_true(shared.count > THREADS);
  expect_ok(or_tokenizer_load(or_allocator_system(), path, &shared.tokenizer));
  expect_ok(or_tokenizer_encoder_create(shared.tokenizer, &encoder));
  for (size_t i = 0; i < shared.count; ++i) {
    const or_json_value_t *text = or_json_at(texts, i);
    shared.texts[i] = (or_tokenizer_text_t){or_json_get_string(text, ""), or_json_string_length(text)};
    expect_ok(encode(encoder, shared.texts[i], &shared.expected[i]));
  }
  or_tokenizer_encoder_free(encoder);
  for (size_t t = 0; t < THREADS; ++t) {
    workers[t].shared = &shared;
    workers[t].first = t;
    expect_ok(or_thread_start(&workers[t].thread, "encode", work, &workers[t]));
  }
  for (size_t t = 0; t < THREADS; ++t) {
    or_thread_join(&workers[t].thread);
    assert_int_equal(workers[t].failed, 0);
    assert_int_equal(workers[t].wrong, 0);
  }
  or_tokenizer_release(shared.tokenizer);
}

static void threads_that_share_a_tokenizer_find_what_one_finds(void **state) {
  (void)state;
  static const char *const names[] = {"wordpiece_uncased", "wordpiece_steps", "bpe_gpt2", "bpe_llama"};
  char *text = NULL;
  size_t length = 0;
  or_json_document_t *document = NULL;
  expect_ok(or_file_read(or_allocator_system(), "tests/data/tokenizers/sample.json", 1 << 20, &text, &length));
  expect_ok(or_json_parse(or_allocator_system(), text, length, &document));
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    char path[128];
    or_format(path, sizeof path, "tests/data/tokenizers/%s.json", names[i]);
    expect_the_same_from_all(path, or_json_get(or_json_root(document), "texts"));
  }
  or_json_document_free(document);
  or_free(or_allocator_system(), text);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(threads_that_share_a_tokenizer_find_what_one_finds)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
