/* Texts as the inputs of an ONNX file with a tokenizer beside it: which inputs, how long, and what is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/string.h"
#include "graph/onnx/testing.h"
#include "openruntime/model.h"

#define TOKENIZER "tests/data/tokenizers/wordpiece_uncased.json"

static or_runtime_t *runtime;
static char folder[64];

static int set_up(void **state) {
  (void)state;
  or_runtime_options_t options = or_runtime_options_default();
  options.threads = 1;
  options.backends = "cpu";
  expect_ok(or_runtime_create(&options, &runtime));
  or_format(folder, sizeof folder, "/tmp/or_text_test_XXXXXX");
  return mkdtemp(folder) == NULL;
}

static int tear_down(void **state) {
  static const char *const files[] = {"model.onnx", "lone.onnx", "tokenizer.json", "config.json",
                                      "sentence_bert_config.json"};
  (void)state;
  for (size_t i = 0; i < sizeof files / sizeof *files; ++i) {
    char path[128];
    (void)unlink(or_format(path, sizeof path, "%s/%s", folder, files[i]));
  }
  or_runtime_release(runtime);
  return rmdir(folder);
}

static void put(const char *name, const char *text) {
  char path[128];
  expect_ok(or_file_write(or_format(path, sizeof path, "%s/%s", folder, name), text, strlen(text)));
}

static void put_tokenizer(void) {
  char *text = NULL;
  size_t length = 0;
  expect_ok(or_file_read(or_allocator_system(), TOKENIZER, (size_t)16 << 20, &text, &length));
  put("tokenizer.json", text);
  or_free(or_allocator_system(), text);
}

/* A model that hands each of its inputs on: "name:dtype:dims" for each. */
static or_model_t *model_with(const char *file, const char *const *inputs, size_t count) {
  pb_t graph = {.data = NULL};
  or_model_t *model = NULL;
  char path[128];
  for (size_t i = 0; i < count; ++i) {
    char name[64], dims[64], out[80];
    int dtype;
    assert_int_equal(sscanf(inputs[i], "%63[^:]:%d:%63s", name, &dtype, dims), 3);
    or_format(out, sizeof out, "out%zu", i);
    pb_put(&graph, 1, node_proto("Identity", name, out));
    pb_put(&graph, 11, value_proto(name, dtype, dims));
    pb_put(&graph, 12, value_proto(out, dtype, dims));
  }
  pb_t proto = model_proto(graph, 17);
  expect_ok(or_file_write(or_format(path, sizeof path, "%s/%s", folder, file), proto.data, proto.length));
  pb_free(&proto);
  expect_ok(or_model_load(runtime, path, NULL, &model));
  return model;
}

static const or_string_t texts[] = {{"the cat sat on the mat and looked at the dog for a long time", 60}, {"a", 1}};

static const char *const usual[] = {"input_ids:7:batch,sequence", "attention_mask:7:batch,sequence",
                                    "token_type_ids:6:batch,sequence", "position_ids:7:batch,sequence",
                                    "past_key_values.0.key:1:batch,2,past,4"};

static int64_t length_of(or_model_t *model) {
  or_tensor_t *ids = NULL;
  expect_ok(or_model_encode_text(model, 0, texts, 1, &ids));
  int64_t length = or_tensor_shape(ids)->dims[1];
  or_tensor_release(ids);
  or_model_release(model);
  return length;
}

static void every_input_has_a_row_a_text_and_shorter_ones_are_padded(void **state) {
  (void)state;
  put_tokenizer();
  or_model_t *model = model_with("model.onnx", usual, 5);
  or_tensor_t *made[5];
  for (size_t i = 0; i < 5; ++i) expect_ok(or_model_encode_text(model, i, texts, 2, &made[i]));
  const int64_t length = or_tensor_shape(made[0])->dims[1];
  assert_true(length > 10);
  const int64_t *mask = or_tensor_data(made[1]), *places = or_tensor_data(made[3]);
  assert_int_equal(or_tensor_dtype(made[2]), OR_INT32);
  int64_t there = 0;
  for (int64_t i = 0; i < length; ++i) {
    assert_int_equal(mask[i], 1);
    assert_int_equal(places[i], i);
    assert_int_equal(places[length + i], i);
    there += mask[length + i];
  }
  assert_true(there >= 1 && there <= 3); /* one word, and what the tokenizer puts around it */
  const or_shape_t *past = or_tensor_shape(made[4]);
  assert_int_equal(past->rank, 4);
  assert_int_equal(past->dims[0], 2);
  assert_int_equal(past->dims[2], 0);
  assert_int_equal(past->dims[3], 4);
  for (size_t i = 0; i < 5; ++i) or_tensor_release(made[i]);
  or_model_release(model);
}

static void texts_are_cut_to_the_positions_that_the_configuration_has(void **state) {
  static const struct {
    const char *config, *sentence;
    int64_t expected;
  } cases[] = {{"{\"max_position_embeddings\":7}", "{}", 7},
               {"{\"n_positions\":6}", "{}", 6},
               {"{\"model_type\":\"roberta\",\"max_position_embeddings\":10,\"pad_token_id\":1}", "{}", 8},
               {"{\"model_type\":\"xlm-roberta\",\"max_position_embeddings\":10}", "{}", 8},
               {"{\"model_type\":\"bert\",\"max_position_embeddings\":9}", "{\"max_seq_length\":5}", 5},
               {"{\"model_type\":\"bert\",\"max_position_embeddings\":9}", "{\"max_seq_length\":50}", 9},
               {"{\"max_position_embeddings\":-3}", "{\"max_seq_length\":4}", 4}};
  (void)state;
  put_tokenizer();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    put("config.json", cases[i].config);
    put("sentence_bert_config.json", cases[i].sentence);
    assert_int_equal(length_of(model_with("model.onnx", usual, 1)), cases[i].expected);
  }
}

static void refuses_what_it_can_not_make(void **state) {
  static const struct {
    const char *input;
    or_status_code_t code;
    const char *words;
  } cases[] = {{"pixels:1:batch,3", OR_NOT_FOUND, "pixels"},
               {"input_ids:1:batch,sequence", OR_UNIMPLEMENTED, "token ids are int64 or int32"},
               {"past_key_values.0.key:1:batch,2,past", OR_UNIMPLEMENTED, "[batch, heads, past, width]"},
               {"past_key_values.0.key:1:batch,2,3,4", OR_UNIMPLEMENTED, "[batch, heads, past, width]"}};
  (void)state;
  put_tokenizer();
  put("config.json", "{}");
  put("sentence_bert_config.json", "{}");
  or_tensor_t *tensor = NULL;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    or_model_t *model = model_with("model.onnx", &cases[i].input, 1);
    expect_failure(or_model_encode_text(model, 0, texts, 1, &tensor), cases[i].code, cases[i].words);
    or_model_release(model);
  }
}

static void names_the_file_that_is_missing_or_broken(void **state) {
  (void)state;
  or_tensor_t *tensor = NULL;
  put_tokenizer();
  put("config.json", "{\"max_position_embeddings\":");
  or_model_t *model = model_with("model.onnx", usual, 1);
  expect_failure(or_model_encode_text(model, 0, texts, 1, &tensor), OR_INVALID_ARGUMENT, "config.json");
  put("config.json", "{}");
  put("tokenizer.json", "{}");
  expect_failure(or_model_encode_text(model, 0, texts, 1, &tensor), OR_INVALID_ARGUMENT, "tokenizer.json");
  or_model_release(model);
  model = model_with("lone.onnx", usual, 1);
  expect_failure(or_model_encode_text(model, 0, texts, 1, &tensor), OR_FAILED_PRECONDITION, "no folder of its own");
  or_model_release(model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_input_has_a_row_a_text_and_shorter_ones_are_padded),
      cmocka_unit_test(texts_are_cut_to_the_positions_that_the_configuration_has),
      cmocka_unit_test(refuses_what_it_can_not_make),
      cmocka_unit_test(names_the_file_that_is_missing_or_broken),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
