/* Very small checkpoints that transformers saved, against transformers' own outputs (tools/make_checkpoints.py), and
 * folders that are wrong. */
#include "model/huggingface.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/numbers.h"
#include "base/string.h"
#include "base/testing.h"
#include "openruntime/model.h"
#include "runtime/session.h"

#define CHECKPOINTS "tests/data/checkpoints/"
#define MAX_VALUES 16

static or_runtime_t *runtime;
static char scratch[] = "/tmp/or_huggingface_test_XXXXXX";

static int set_up(void **state) {
  (void)state;
  or_runtime_options_t options = or_runtime_options_default();
  options.threads = 1;
  options.backends = "cpu";
  expect_ok(or_runtime_create(&options, &runtime));
  return mkdtemp(scratch) == NULL;
}

static int tear_down(void **state) {
  (void)state;
  or_runtime_release(runtime);
  return rmdir(scratch);
}

static or_tensor_t *tensor_of(const or_json_value_t *value) {
  const or_json_value_t *shape = or_json_get(value, "shape"), *data = or_json_get(value, "data");
  or_dtype_t dtype = or_dtype_from_name(or_json_get_string(or_json_get(value, "dtype"), ""));
  int64_t dims[OR_MAX_RANK];
  or_device_t *device = NULL;
  or_tensor_t *tensor = NULL;
  for (size_t d = 0; d < or_json_count(shape); ++d) dims[d] = or_json_get_int(or_json_at(shape, d), -1);
  expect_ok(or_runtime_find_device(runtime, "cpu", &device));
  expect_ok(or_tensor_create(device, dtype, or_shape_make(or_json_count(shape), dims), &tensor));
  assert_int_equal(or_tensor_count(tensor), or_json_count(data));
  for (size_t i = 0; i < or_json_count(data); ++i)
    or_element_set(dtype, (void *)(uintptr_t)or_tensor_data(tensor), i, or_json_get_double(or_json_at(data, i), NAN));
  return tensor;
}

static void expect_equal(const or_tensor_t *tensor, const or_json_value_t *expected) {
  const or_json_value_t *data = or_json_get(expected, "data"), *shape = or_json_get(expected, "shape");
  size_t count = or_json_count(data);
  double squares = 0;
  assert_int_equal(or_tensor_shape(tensor)->rank, or_json_count(shape));
  for (size_t d = 0; d < or_json_count(shape); ++d)
    assert_int_equal(or_tensor_shape(tensor)->dims[d], or_json_get_int(or_json_at(shape, d), -1));
  for (size_t i = 0; i < count; ++i) squares += pow(or_json_get_double(or_json_at(data, i), NAN), 2);
  for (size_t i = 0; i < count; ++i) {
    double a = (double)((const float *)or_tensor_data(tensor))[i], b = or_json_get_double(or_json_at(data, i), NAN);
    if (!(fabs(a - b) <= 1e-4 * (fabs(b) + sqrt(squares / (double)count))))
      fail_msg("element %zu is %.7g, and %.7g was expected", i, a, b);
  }
}

static or_json_document_t *read_expected(const char *folder) {
  char path[256], *text = NULL;
  size_t length = 0;
  or_json_document_t *document = NULL;
  or_format(path, sizeof path, "%s/expected.json", folder);
  expect_ok(or_file_read(or_allocator_system(), path, 1 << 20, &text, &length));
  expect_ok(or_json_parse(or_allocator_system(), text, length, &document));
  or_free(or_allocator_system(), text);
  return document;
}

/* Every input that expected.json has, the others by their defaults; every output that it has. */
static void expect_outputs(or_model_t *model, const or_json_value_t *expected) {
  const or_json_value_t *given = or_json_get(expected, "inputs"), *wanted = or_json_get(expected, "outputs");
  or_binding_t inputs[MAX_VALUES] = {0}, outputs[MAX_VALUES] = {0};
  const or_json_value_t *value = NULL;
  or_session_t *session = NULL;
  size_t input_count = or_json_count(given), output_count = or_json_count(wanted);
  assert_true(input_count <= MAX_VALUES && output_count > 0 && output_count <= MAX_VALUES);
  for (size_t i = 0; i < input_count; ++i) {
    inputs[i].name = or_json_key_at(given, i, &value);
    inputs[i].tensor = tensor_of(value);
  }
  for (size_t i = 0; i < output_count; ++i) outputs[i].name = or_json_key_at(wanted, i, &value);
  expect_ok(or_session_create(model, NULL, &session));
  expect_ok(or_session_run(session, inputs, input_count, outputs, output_count));
  for (size_t i = 0; i < output_count; ++i) {
    expect_equal(outputs[i].tensor, or_json_get(wanted, outputs[i].name));
    or_tensor_release(outputs[i].tensor);
  }
  for (size_t i = 0; i < input_count; ++i) or_tensor_release(inputs[i].tensor);
  or_session_release(session);
}

static void expect_checkpoint(const char *folder) {
  or_model_t *model = NULL;
  or_json_document_t *expected = read_expected(folder);
  expect_ok(or_model_load(runtime, folder, NULL, &model));
  assert_string_equal(or_model_weights(model), "file");
  assert_string_equal(or_model_path(model), folder);
  expect_outputs(model, or_json_root(expected));
  or_model_release(model);
  or_json_document_free(expected);
}

static void bert_with_a_head_in_several_files_agrees_with_transformers(void **state) {
  (void)state;
  expect_checkpoint(CHECKPOINTS "bert");
}

static void a_sentence_model_in_half_precision_agrees_with_transformers(void **state) {
  (void)state;
  expect_checkpoint(CHECKPOINTS "sentence");
}

static void distilbert_agrees_with_transformers(void **state) {
  (void)state;
  expect_checkpoint(CHECKPOINTS "distilbert");
}

static void a_classifier_of_texts_agrees_with_transformers_and_names_its_classes(void **state) {
  (void)state;
  or_model_t *model = NULL;
  expect_checkpoint(CHECKPOINTS "classifier");
  expect_ok(or_model_load(runtime, CHECKPOINTS "classifier", NULL, &model));
  assert_int_equal(or_model_label_count(model), 3);
  assert_string_equal(or_model_label(model, 0), "bad");
  assert_string_equal(or_model_label(model, 2), "good");
  assert_string_equal(or_model_output(model, 0)->name, "probabilities");
  or_model_release(model);
}

static void a_classifier_of_tokens_agrees_with_transformers(void **state) {
  (void)state;
  or_model_t *model = NULL;
  expect_checkpoint(CHECKPOINTS "tagger");
  expect_ok(or_model_load(runtime, CHECKPOINTS "tagger", NULL, &model));
  assert_int_equal(or_model_label_count(model), 0); /* transformers leaves the usual names out */
  or_model_release(model);
}

static void gpt2_continues_its_past_as_transformers_does(void **state) {
  (void)state;
  expect_checkpoint(CHECKPOINTS "gpt2");
}

static void what_is_written_as_onnx_gives_the_same_outputs(void **state) {
  (void)state;
  char path[256];
  or_model_t *model = NULL, *written = NULL;
  or_json_document_t *expected = read_expected(CHECKPOINTS "gpt2");
  or_format(path, sizeof path, "%s/gpt2.onnx", scratch);
  expect_ok(or_model_load(runtime, CHECKPOINTS "gpt2", NULL, &model));
  expect_ok(or_model_export(model, path, NULL));
  expect_ok(or_model_load(runtime, path, NULL, &written));
  assert_string_equal(or_model_weights(written), "file");
  expect_outputs(written, or_json_root(expected));
  or_model_release(written);
  or_model_release(model);
  or_json_document_free(expected);
  assert_int_equal(unlink(path), 0);
}

static void expect_rows(const or_tensor_t *tensor, const or_json_value_t *rows) {
  const or_shape_t *shape = or_tensor_shape(tensor);
  assert_int_equal(shape->rank, 2);
  assert_int_equal(shape->dims[0], or_json_count(rows));
  for (size_t r = 0; r < or_json_count(rows); ++r) {
    assert_int_equal(shape->dims[1], or_json_count(or_json_at(rows, r)));
    for (size_t c = 0; c < or_json_count(or_json_at(rows, r)); ++c)
      assert_int_equal(((const int64_t *)or_tensor_data(tensor))[r * (size_t)shape->dims[1] + c],
                       or_json_get_int(or_json_at(or_json_at(rows, r), c), -1));
  }
}

/* texts.json is the package's answer with padding to the longest; the file itself asks for another, which is left. */
static void texts_become_inputs_as_the_tokenizers_package_has_them(void **state) {
  (void)state;
  char *text = NULL;
  size_t length = 0, count = 0;
  or_json_document_t *document = NULL;
  or_model_t *model = NULL;
  or_tensor_t *tensor = NULL;
  or_string_t texts[8];
  expect_ok(or_file_read(or_allocator_system(), CHECKPOINTS "sentence/texts.json", 1 << 20, &text, &length));
  expect_ok(or_json_parse(or_allocator_system(), text, length, &document));
  const or_json_value_t *root = or_json_root(document), *list = or_json_get(root, "texts");
  for (; count < or_json_count(list); ++count)
    texts[count] =
        (or_string_t){or_json_get_string(or_json_at(list, count), ""), or_json_string_length(or_json_at(list, count))};
  expect_ok(or_model_load(runtime, CHECKPOINTS "sentence", NULL, &model));
  for (size_t i = 0; i < or_model_input_count(model); ++i) {
    expect_ok(or_model_encode_text(model, i, texts, count, &tensor));
    const or_json_value_t *expected = or_json_get(root, or_model_input(model, i)->name);
    if (expected != NULL) expect_rows(tensor, expected);
    or_tensor_release(tensor);
  }
  const or_string_t broken = {"\xff", 1};
  expect_failure(or_model_encode_text(model, 0, &broken, 1, &tensor), OR_INVALID_ARGUMENT, "UTF-8");
  expect_failure(or_model_encode_text(model, 9, texts, 1, &tensor), OR_OUT_OF_RANGE, "3 inputs");
  expect_failure(or_model_encode_text(model, 0, texts, 0, &tensor), OR_OUT_OF_RANGE, "texts at once");
  assert_null(tensor);
  or_model_release(model);
  or_json_document_free(document);
  or_free(or_allocator_system(), text);
}

static void says_which_model_takes_no_text_and_why(void **state) {
  (void)state;
  static const struct {
    const char *name;
    or_status_code_t code;
    const char *words;
  } cases[] = {{"bert", OR_FAILED_PRECONDITION, "no folder of its own"},
               {CHECKPOINTS "gpt2", OR_FAILED_PRECONDITION, "there is no " CHECKPOINTS "gpt2/tokenizer.json"},
               {"resnet50", OR_NOT_FOUND, "input \"input\" of model \"resnet50\" takes no text"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    or_model_t *model = NULL;
    or_tensor_t *tensor = NULL;
    const or_string_t text = {"x", 1};
    expect_ok(or_model_load(runtime, cases[i].name, NULL, &model));
    expect_failure(or_model_encode_text(model, 0, &text, 1, &tensor), cases[i].code, cases[i].words);
    or_model_release(model);
  }
}

/* A folder of which one file says something else than a checkpoint's. */
static void put(const char *name, const char *text) {
  char path[256];
  or_format(path, sizeof path, "%s/%s", scratch, name);
  expect_ok(or_file_write(path, text, strlen(text)));
}

static void copy(const char *from, const char *name) {
  char path[256], *bytes = NULL;
  size_t length = 0;
  expect_ok(or_file_read(or_allocator_system(), from, 1 << 20, &bytes, &length));
  or_format(path, sizeof path, "%s/%s", scratch, name);
  expect_ok(or_file_write(path, bytes, length));
  or_free(or_allocator_system(), bytes);
}

static void remove_all(void) {
  static const char *const names[] = {"config.json", "modules.json", "model.safetensors", "pytorch_model.bin",
                                      "model.safetensors.index.json"};
  for (size_t i = 0; i < sizeof names / sizeof *names; ++i) {
    char path[256];
    (void)unlink(or_format(path, sizeof path, "%s/%s", scratch, names[i]));
  }
}

static void expect_refused(const char *config, or_status_code_t code, const char *words) {
  or_graph_t *graph = NULL;
  put("config.json", config);
  expect_failure(or_huggingface_read_folder(or_allocator_system(), scratch, "x", NULL, &graph), code, words);
  assert_null(graph);
}

#define DISTIL(fields) \
  "{\"model_type\":\"distilbert\",\"vocab_size\":13,\"dim\":8,\"n_layers\":1,\"hidden_dim\":12," fields "}"

static void refuses_configurations_that_it_does_not_build(void **state) {
  (void)state;
  copy(CHECKPOINTS "distilbert/model.safetensors", "model.safetensors");
  expect_refused("{\"model_type\":\"llama\"}", OR_UNIMPLEMENTED, "model_type \"llama\"");
  expect_refused("[]", OR_UNIMPLEMENTED, "model_type \"\"");
  expect_refused("{", OR_INVALID_ARGUMENT, "config.json");
  expect_refused(DISTIL("\"n_heads\":4"), OR_INVALID_ARGUMENT, "max_position_embeddings is missing");
  expect_refused(DISTIL("\"n_heads\":3,\"max_position_embeddings\":7"), OR_INVALID_ARGUMENT,
                 "dim is 8, which n_heads (3)");
  expect_refused(DISTIL("\"n_heads\":0,\"max_position_embeddings\":7"), OR_INVALID_ARGUMENT, "n_heads is not a whole");
  expect_refused(DISTIL("\"n_heads\":4,\"max_position_embeddings\":1e30"), OR_INVALID_ARGUMENT,
                 "max_position_embeddings");
  expect_refused(DISTIL("\"n_heads\":4,\"max_position_embeddings\":7,\"activation\":\"silu\""), OR_UNIMPLEMENTED,
                 "activation \"silu\"");
  expect_refused(DISTIL("\"n_heads\":4,\"max_position_embeddings\":8"), OR_INVALID_ARGUMENT,
                 "the configuration asks for [8,8], and the file has [7,8]");
  expect_refused("{\"model_type\":\"bert\",\"vocab_size\":13,\"hidden_size\":8,\"num_hidden_layers\":1,"
                 "\"num_attention_heads\":2,\"intermediate_size\":12,\"max_position_embeddings\":7}",
                 OR_NOT_FOUND, "no parameter \"embeddings.token_type_embeddings.weight\"");
  remove_all();
}

#define GPT(fields) "{\"model_type\":\"gpt2\",\"vocab_size\":13,\"n_positions\":7," fields "}"

static void refuses_absurd_widths_heads_and_depths_by_field_and_bound(void **state) {
  (void)state;
  static const struct {
    const char *config, *words;
  } cases[] = {
      {GPT("\"n_embd\":8,\"n_layer\":1000000000,\"n_head\":2"),
       "config.json: n_layer is not a whole number from 1 to 256"},
      {GPT("\"n_embd\":8,\"n_layer\":0,\"n_head\":2"), "n_layer is not a whole number from 1 to 256"},
      {GPT("\"n_embd\":-8,\"n_layer\":1,\"n_head\":2"), "n_embd is not a whole number from 1 to 16777216"},
      {GPT("\"n_embd\":8.5,\"n_layer\":1,\"n_head\":2"), "n_embd is not a whole number"},
      {GPT("\"n_embd\":\"8\",\"n_layer\":1,\"n_head\":2"), "n_embd is not a whole number"},
      {GPT("\"n_embd\":8,\"n_layer\":1,\"n_head\":3"), "n_embd is 8, which n_head (3) does not divide"},
      {GPT("\"n_embd\":8,\"n_layer\":1,\"n_head\":16"), "n_embd is 8, which n_head (16) does not divide"},
      {GPT("\"n_embd\":16777216,\"n_layer\":1,\"n_head\":16777216"), "the configuration asks for [13,16777216]"},
      {GPT("\"n_embd\":8,\"n_layer\":1,\"n_head\":2,\"n_inner\":99999999999"), "n_inner is not a whole number"},
      {GPT("\"n_embd\":8,\"n_layer\":1,\"n_head\":2,\"layer_norm_epsilon\":0"), "layer_norm_epsilon is not between"},
  };
  copy(CHECKPOINTS "gpt2/model.safetensors", "model.safetensors");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i)
    expect_refused(cases[i].config, OR_INVALID_ARGUMENT, cases[i].words);
  remove_all();
}

/* Of the file as a whole: empty, shorter than its prefix, a header that is longer than the file says. */
static void refuses_files_of_parameters_that_lie_about_their_length(void **state) {
  (void)state;
  static const char config[] = DISTIL("\"n_heads\":4,\"max_position_embeddings\":7");
  static const struct {
    const char bytes[16];
    size_t length;
    const char *words;
  } cases[] = {{"", 0, "model.safetensors"},
               {"\2\0\0\0", 4, "model.safetensors"},
               {"\3\0\0\0\0\0\0\0{}", 10, "its header has 3 bytes and the file 10"},
               {"\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, "its header has 18446744073709551615 bytes"},
               {"\2\0\0\0\0\0\0\0{}", 10, "no parameter"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    char path[256];
    or_format(path, sizeof path, "%s/model.safetensors", scratch);
    expect_ok(or_file_write(path, cases[i].bytes, cases[i].length));
    expect_refused(config, i + 1 < sizeof cases / sizeof *cases ? OR_DATA_LOSS : OR_NOT_FOUND, cases[i].words);
  }
  remove_all();
}

#define HEAD(fields) DISTIL("\"n_heads\":4,\"max_position_embeddings\":7," fields)

static void refuses_heads_that_it_does_not_build(void **state) {
  (void)state;
  copy(CHECKPOINTS "tagger/model.safetensors", "model.safetensors");
  expect_refused(HEAD("\"architectures\":[\"DistilBertForQuestionAnswering\"]"), OR_UNIMPLEMENTED,
                 "architecture \"DistilBertForQuestionAnswering\"");
  expect_refused(HEAD("\"architectures\":[\"DistilBertForTokenClassification\"],\"id2label\":{\"0\":\"a\"}"),
                 OR_INVALID_ARGUMENT, "the configuration asks for [1,8], and the file has [2,8]");
  expect_refused(HEAD("\"architectures\":[\"DistilBertForSequenceClassification\"]"), OR_NOT_FOUND,
                 "pre_classifier.weight");
  remove_all();
  copy(CHECKPOINTS "gpt2/model.safetensors", "model.safetensors");
  expect_refused("{\"model_type\":\"gpt2\",\"vocab_size\":13,\"n_embd\":8,\"n_layer\":2,\"n_head\":2,\"n_positions\":7,"
                 "\"architectures\":[\"GPT2ForSequenceClassification\"]}",
                 OR_UNIMPLEMENTED, "architecture \"GPT2ForSequenceClassification\"");
  remove_all();
  copy(CHECKPOINTS "classifier/model.safetensors", "model.safetensors");
  expect_refused("{\"model_type\":\"roberta\",\"vocab_size\":13,\"hidden_size\":8,\"num_hidden_layers\":1,"
                 "\"num_attention_heads\":2,\"intermediate_size\":10,\"max_position_embeddings\":7,\"pad_token_id\":6}",
                 OR_INVALID_ARGUMENT, "pad_token_id is not a whole number below");
  remove_all();
}

static void refuses_names_of_classes_that_are_no_list(void **state) {
  (void)state;
  static const char *const wrong[] = {"\"0\":\"a\",\"2\":\"b\"", "\"0\":\"a\",\"00\":\"b\"",
                                      "\"0\":\"a\",\"x\":\"b\"", "\"0\":\"a\",\"1x\":\"b\"",
                                      "\"0\":\"a\",\"1\":2",     "\"0\":\"a\",\"-1\":\"b\""};
  copy(CHECKPOINTS "tagger/model.safetensors", "model.safetensors");
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; ++i) {
    char config[512];
    or_model_t *model = NULL;
    put("config.json",
        or_format(config, sizeof config,
                  HEAD("\"architectures\":[\"DistilBertForTokenClassification\"],\"id2label\":{%s}"), wrong[i]));
    expect_failure(or_model_load(runtime, scratch, NULL, &model), OR_INVALID_ARGUMENT, "id2label");
    assert_null(model);
  }
  remove_all();
}

static void refuses_weights_that_are_not_there(void **state) {
  (void)state;
  static const char config[] = DISTIL("\"n_heads\":4,\"max_position_embeddings\":7");
  expect_refused(config, OR_NOT_FOUND, "no model.safetensors");
  put("pytorch_model.bin", "x");
  expect_refused(config, OR_NOT_FOUND, "its pytorch_model.bin can be converted");
  put("model.safetensors.index.json", "{\"weight_map\":{\"a\":\"../a.safetensors\"}}");
  expect_refused(config, OR_INVALID_ARGUMENT, "no file of the folder");
  put("model.safetensors.index.json", "{\"weight_map\":{}}");
  expect_refused(config, OR_INVALID_ARGUMENT, "no weight_map");
  copy(CHECKPOINTS "distilbert/model.safetensors", "model.safetensors");
  put("model.safetensors.index.json", "{\"weight_map\":{\"none\":\"model.safetensors\"}}");
  expect_refused(config, OR_INVALID_ARGUMENT, "no file has the tensor \"none\"");
  put("model.safetensors.index.json", "{\"weight_map\":{\"none\":\"other.safetensors\"}}");
  expect_refused(config, OR_NOT_FOUND, "other.safetensors");
  remove_all();
}

#define MODULES(more) "[{\"path\":\"\",\"type\":\"a.Transformer\"}," more "]"

static void refuses_modules_that_it_does_not_build(void **state) {
  (void)state;
  static const char config[] = DISTIL("\"n_heads\":4,\"max_position_embeddings\":7");
  put("modules.json", MODULES("{\"path\":\"2_Dense\",\"type\":\"a.Dense\"}"));
  expect_refused(config, OR_UNIMPLEMENTED, "module \"a.Dense\"");
  put("modules.json", MODULES("{\"path\":\"../x\",\"type\":\"a.Pooling\"}"));
  expect_refused(config, OR_PERMISSION_DENIED, "leads out");
  put("modules.json", MODULES("{\"path\":\"\",\"type\":\"a.Normalize\"}"));
  expect_refused(config, OR_UNIMPLEMENTED, "in this order");
  put("modules.json", "{}");
  expect_refused(config, OR_INVALID_ARGUMENT, "not an array");
  put("modules.json", MODULES("{\"path\":\".\",\"type\":\"a.Pooling\"}"));
  expect_refused("{\"pooling_mode_max_tokens\":true}", OR_UNIMPLEMENTED, "pooling \"max_tokens\"");
  expect_refused("{\"pooling_mode_mean_tokens\":true,\"pooling_mode_cls_token\":true}", OR_UNIMPLEMENTED,
                 "several at once");
  remove_all();
}

static or_status_t load_sentence(const or_allocator_t *allocator) {
  or_graph_t *graph = NULL;
  or_status_t status = or_huggingface_read_folder(allocator, CHECKPOINTS "sentence", "x", NULL, &graph);
  or_graph_release(graph);
  return status;
}

static void gives_back_every_byte_when_the_nth_allocation_fails(void **state) {
  (void)state;
  expect_survives_every_failing_allocation(load_sentence);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bert_with_a_head_in_several_files_agrees_with_transformers),
      cmocka_unit_test(a_sentence_model_in_half_precision_agrees_with_transformers),
      cmocka_unit_test(distilbert_agrees_with_transformers),
      cmocka_unit_test(a_classifier_of_texts_agrees_with_transformers_and_names_its_classes),
      cmocka_unit_test(a_classifier_of_tokens_agrees_with_transformers),
      cmocka_unit_test(gpt2_continues_its_past_as_transformers_does),
      cmocka_unit_test(what_is_written_as_onnx_gives_the_same_outputs),
      cmocka_unit_test(texts_become_inputs_as_the_tokenizers_package_has_them),
      cmocka_unit_test(says_which_model_takes_no_text_and_why),
      cmocka_unit_test(refuses_configurations_that_it_does_not_build),
      cmocka_unit_test(refuses_absurd_widths_heads_and_depths_by_field_and_bound),
      cmocka_unit_test(refuses_files_of_parameters_that_lie_about_their_length),
      cmocka_unit_test(refuses_heads_that_it_does_not_build),
      cmocka_unit_test(refuses_names_of_classes_that_are_no_list),
      cmocka_unit_test(refuses_weights_that_are_not_there),
      cmocka_unit_test(refuses_modules_that_it_does_not_build),
      cmocka_unit_test(gives_back_every_byte_when_the_nth_allocation_fails),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
